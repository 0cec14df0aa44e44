package rule

import "slices"

// State says how much is known of a value. The zero State is Unknown.
type State uint8

// The states of a fact. Faulty is a fact whose reading failed.
const (
	Unknown State = iota
	Present
	NotApplicable
	Faulty
)

// severity orders states by how much they spoil what is computed from them.
func (s State) severity() int {
	return [...]int{Unknown: 2, Present: 0, NotApplicable: 1, Faulty: 3}[s]
}

// Value is the value of a fact or of a part of an expression. Which field
// holds it follows from its type; a Faulty value says why in Text.
type Value struct {
	State State
	Bool  bool
	Word  int32 // of a text out of a closed set: which word it is, from 1; 0 when that was not looked up
	Int   int64
	Float float64
	Text  string
	List  []string
}

// The constructors of present values.
func BoolValue(b bool) Value     { return Value{State: Present, Bool: b} }
func IntValue(n int64) Value     { return Value{State: Present, Int: n} }
func FloatValue(f float64) Value { return Value{State: Present, Float: f} }
func TextValue(s string) Value   { return Value{State: Present, Text: s} }
func ListValue(l []string) Value { return Value{State: Present, List: l} }

// Same reports whether two values are the same, whether or not it was looked up
// which words they are.
func (v Value) Same(o Value) bool {
	return v.State == o.State && v.Bool == o.Bool && v.Int == o.Int && v.Float == o.Float && v.Text == o.Text && slices.Equal(v.List, o.List)
}

// The setters write a present value to a place where values of one fact are
// kept, one after another. They leave alone what no value of its type has, and
// so is zero there.

// SetBool makes it a truth value.
func (v *Value) SetBool(b bool) { v.begin(); v.Bool = b }

// SetInt makes it a whole number.
func (v *Value) SetInt(n int64) { v.begin(); v.Int = n }

// SetFloat makes it a decimal number.
func (v *Value) SetFloat(f float64) { v.begin(); v.Float = f }

// SetList makes it a list of texts.
func (v *Value) SetList(l []string) { v.begin(); v.List = l }

// SetText makes it a text. Which word it is has to be looked up.
func (v *Value) SetText(s string) { v.SetWord(s, 0) }

// SetWord makes it a text that is known to be that word.
func (v *Value) SetWord(s string, word int32) { v.begin(); v.Text, v.Word = s, word }

func (v *Value) begin() {
	if v.State == Faulty {
		*v = Value{} // its text is why
	}
	v.State = Present
}

// Clear makes it unknown.
func (v *Value) Clear() {
	if v.State != Unknown {
		*v = Value{}
	}
}

// SetFault makes it one whose reading failed.
func (v *Value) SetFault(why string) { *v = fault(why) }

func fault(why string) Value { return Value{State: Faulty, Text: why} }

// worst is the more spoilt of two values, the first when they are equally so.
func worst(a, b Value) Value {
	if b.State.severity() > a.State.severity() {
		return b
	}
	return a
}

// Verdict is the outcome of a condition. The zero Verdict is a Fault.
type Verdict uint8

// The five outcomes; see the package documentation.
const (
	IsFault Verdict = iota
	IsUnknown
	IsNotApplicable
	IsFalse
	IsTrue
)

// String names the verdict in one word.
func (v Verdict) String() string {
	return [...]string{"fault", "unknown", "not applicable", "false", "true"}[v]
}

func verdict(v Value) Verdict {
	switch {
	case v.State == Faulty:
		return IsFault
	case v.State == NotApplicable:
		return IsNotApplicable
	case v.State != Present:
		return IsUnknown
	case v.Bool:
		return IsTrue
	default:
		return IsFalse
	}
}
