package rule

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
