package schema

import (
	"encoding/json"
	"math"
	"strconv"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The six kinds of JSON values. The zero Kind is Null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind with its article, as problems name it.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "a boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "an array"
	case Object:
		return "an object"
	}
	return "an unknown kind"
}

// Value is one value of a parsed document. Only Parse makes them; treat them
// as read-only. Text may share memory with the other values of the document.
type Value struct {
	Kind Kind
	// Bool is the value of a Bool.
	Bool bool
	// verbatim is whether a String was written without escapes, and so needs
	// none.
	verbatim bool
	// Text is the value of a String, or the token of a Number as it was written.
	Text string
	// Items are the elements of an Array.
	Items []*Value
	// Members are the fields of an Object in document order.
	Members []Member
	// Line and Column say where the value begins. They count from 1, the column
	// in runes.
	Line, Column int
}

// Member is one field of an object. Line and Column are those of its name.
type Member struct {
	Name         string
	Line, Column int
	Value        *Value
}

// Get returns the member of that name. It returns nil when there is none, or
// when v is not an object or is nil, so that calls can be chained.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value
		}
	}
	return nil
}

// Int returns the value of a Number without a fractional part, however it was
// written: 100, 100.0 and 1e2 are the same integer, here as in JSON Schema and
// in the canonical bytes. It reports false for everything else.
func (v *Value) Int() (int64, bool) {
	if v == nil || v.Kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > maxExact {
		return 0, false
	}
	return int64(f), true
}

// Float returns the double nearest to a Number, never the negative zero, which
// canonical bytes do not have either. It is 0 for everything else.
func (v *Value) Float() float64 {
	if v == nil || v.Kind != Number {
		return 0
	}
	return v.double() + 0
}

// Any returns the value as encoding/json would decode it with UseNumber:
// map[string]any, []any, json.Number, string, bool or nil.
func (v *Value) Any() any {
	return v.plain(func(token string) json.Number { return json.Number(token) })
}

// plain is Any with a choice of how numbers are spelt.
func (v *Value) plain(number func(string) json.Number) any {
	switch v.Kind {
	case Bool:
		return v.Bool
	case Number:
		return number(v.Text)
	case String:
		return v.Text
	case Array:
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = item.plain(number)
		}
		return items
	case Object:
		members := make(map[string]any, len(v.Members))
		for i := range v.Members {
			members[v.Members[i].Name] = v.Members[i].Value.plain(number)
		}
		return members
	}
	return nil
}
