package rule

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Checked arithmetic: a result that does not fit is a fault, never a wrap, an
// infinity or a NaN. A decimal and a whole number compare exactly.

func overflow() Value { return fault("a whole number left the range of 64 bits") }

func finite(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fault("a decimal number left its range")
	}
	return FloatValue(f)
}

func addInt(_ *node, a, b Value) Value {
	sum := a.Int + b.Int
	if (sum > a.Int) != (b.Int > 0) {
		return overflow()
	}
	return IntValue(sum)
}

func subInt(_ *node, a, b Value) Value {
	difference := a.Int - b.Int
	if (difference < a.Int) != (b.Int > 0) {
		return overflow()
	}
	return IntValue(difference)
}

func mulInt(_ *node, a, b Value) Value {
	if a.Int == 0 || b.Int == 0 {
		return IntValue(0)
	}
	product := a.Int * b.Int
	if product/b.Int != a.Int || a.Int == -1 && b.Int == math.MinInt64 || b.Int == -1 && a.Int == math.MinInt64 {
		return overflow()
	}
	return IntValue(product)
}

func modInt(_ *node, a, b Value) Value {
	if b.Int == 0 {
		return fault("a division by zero")
	}
	return IntValue(a.Int % b.Int)
}

func negInt(_ *node, a, _ Value) Value {
	if a.Int == math.MinInt64 {
		return overflow()
	}
	return IntValue(-a.Int)
}

func absInt(n *node, a, b Value) Value {
	if a.Int < 0 {
		return negInt(n, a, b)
	}
	return a
}

func addFloat(_ *node, a, b Value) Value { return finite(a.Float + b.Float) }
func subFloat(_ *node, a, b Value) Value { return finite(a.Float - b.Float) }
func mulFloat(_ *node, a, b Value) Value { return finite(a.Float * b.Float) }
func negFloat(_ *node, a, _ Value) Value { return finite(-a.Float) }
func absFloat(_ *node, a, _ Value) Value { return finite(math.Abs(a.Float)) }

func divFloat(_ *node, a, b Value) Value {
	if b.Float == 0 {
		return fault("a division by zero")
	}
	return finite(a.Float / b.Float)
}

// toFloat widens a whole number, which must be exact to stay what it was.
func toFloat(_ *node, a, _ Value) Value {
	if a.Int > 1<<53 || a.Int < -1<<53 {
		return fault("a whole number over 9007199254740992 has no exact decimal")
	}
	return FloatValue(float64(a.Int))
}

func joinText(_ *node, a, b Value) Value { return TextValue(a.Text + b.Text) }

// ordering compares two operands of like type: -1, 0 or +1.
type ordering func(a, b Value) int

func orderInt(a, b Value) int  { return compare(a.Int, b.Int) }
func orderText(a, b Value) int { return strings.Compare(a.Text, b.Text) }

func orderFloat(a, b Value) int { return compare(a.Float, b.Float) }

// orderIntFloat compares a whole number with a finite decimal exactly: by the
// decimal's whole part, then by its sign beyond it.
func orderIntFloat(a, b Value) int { return Order(a.Int, b.Float) }

// Order is -1, 0 or +1 as the whole number is under, at or above the decimal,
// which is finite: no step to a decimal makes another number of it.
func Order(n int64, f float64) int {
	switch whole := math.Trunc(f); {
	case whole >= 1<<63:
		return -1
	case whole < -1<<63:
		return 1
	case n != int64(whole):
		return compare(n, int64(whole))
	default:
		return compare(whole, f)
	}
}

func orderFloatInt(a, b Value) int { return -orderIntFloat(b, a) }

func orderBool(a, b Value) int {
	if a.Bool == b.Bool {
		return 0
	}
	return 1 // only asked for equality
}

func compare[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// comparison makes the node function of a comparison sign.
func comparison(sign string, order ordering) func(*node, *frame) Value {
	holds := map[string]func(int) bool{
		"==": func(c int) bool { return c == 0 }, "!=": func(c int) bool { return c != 0 },
		"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
		">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
	}[sign]
	return strict(func(_ *node, a, b Value) Value { return BoolValue(holds(order(a, b))) })
}

func contains(_ *node, a, b Value) Value   { return BoolValue(strings.Contains(a.Text, b.Text)) }
func startsWith(_ *node, a, b Value) Value { return BoolValue(strings.HasPrefix(a.Text, b.Text)) }
func endsWith(_ *node, a, b Value) Value   { return BoolValue(strings.HasSuffix(a.Text, b.Text)) }
func matches(n *node, a, _ Value) Value    { return BoolValue(n.re.MatchString(a.Text)) }
func inTexts(n *node, a, _ Value) Value    { return BoolValue(slices.Contains(n.texts, a.Text)) }
func inInts(n *node, a, _ Value) Value     { return BoolValue(slices.Contains(n.ints, a.Int)) }
func inList(_ *node, a, b Value) Value     { return BoolValue(slices.Contains(b.List, a.Text)) }

func lenText(_ *node, a, _ Value) Value { return IntValue(int64(utf8.RuneCountInString(a.Text))) }
func lenList(_ *node, a, _ Value) Value { return IntValue(int64(len(a.List))) }

func lowerText(_ *node, a, _ Value) Value { return TextValue(strings.ToLower(a.Text)) }
func upperText(_ *node, a, _ Value) Value { return TextValue(strings.ToUpper(a.Text)) }
func trimText(_ *node, a, _ Value) Value  { return TextValue(strings.TrimSpace(a.Text)) }

// smallest and largest fold two operands of like type.
func smallest(order ordering) func(*node, Value, Value) Value {
	return func(_ *node, a, b Value) Value {
		if order(b, a) < 0 {
			return b
		}
		return a
	}
}

func largest(order ordering) func(*node, Value, Value) Value {
	return func(_ *node, a, b Value) Value {
		if order(b, a) > 0 {
			return b
		}
		return a
	}
}
