package workload

import (
	"fmt"
	"strconv"
	"strings"
)

// dialect is how an expression language writes a condition. The forms take the
// name of the field first, then the constant.
type dialect struct {
	name         func(Field) string
	and, or, not string
	number       func(Field, float64) string
	forms        map[Op]string
}

var comparisons = map[Op]string{Above: ">", AtLeast: ">=", Below: "<", AtMost: "<="}

// plain writes a number as short as it can be, a whole one without a point.
func plain(_ Field, x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// pointed writes the number of a decimal field with a point.
func pointed(f Field, x float64) string {
	s := plain(f, x)
	if f.Decimal() && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

var exprForms = map[Op]string{
	Equal: "%s == %s", In: "%s in [%s]", IsTrue: "%s", Has: "%[2]s in %[1]s",
	AnyStart: "any(%s, # startsWith %s)", AnyEnd: "any(%s, # endsWith %s)",
	Contains: "%s contains %s", Starts: "%s startsWith %s", Matches: "%s matches %s", Ratio: "%[1]s / %[3]s > %[2]s",
}

var celForms = map[Op]string{
	Equal: "%s == %s", In: "%s in [%s]", IsTrue: "%s", Has: "%[2]s in %[1]s",
	AnyStart: "%s.exists(p, p.startsWith(%s))", AnyEnd: "%s.exists(p, p.endsWith(%s))",
	Contains: "%s.contains(%s)", Starts: "%s.startsWith(%s)", Matches: "%s.matches(%s)", Ratio: "double(%[1]s) / double(%[3]s) > %[2]s",
}

// cedarForms take the folders and the endings of the paths from sets: Cedar
// does not look into the texts of a set.
var cedarForms = map[Op]string{
	Equal: "%s == %s", In: "[%[2]s].contains(%[1]s)", IsTrue: "%s", Has: "%s.contains(%s)",
	AnyStart: "context.folders.contains(%[2]s)", AnyEnd: "context.endings.contains(%[2]s)",
}

func (d *dialect) write(n *Condition) string {
	switch n.Op {
	case And, Or:
		sign := d.and
		if n.Op == Or {
			sign = d.or
		}
		of := make([]string, len(n.Of))
		for i := range n.Of {
			if of[i] = d.write(&n.Of[i]); n.Of[i].Op == And || n.Of[i].Op == Or {
				of[i] = "(" + of[i] + ")"
			}
		}
		return strings.Join(of, sign)
	case Not:
		return d.not + "(" + d.write(&n.Of[0]) + ")"
	}
	return d.test(n)
}

func (d *dialect) test(n *Condition) string {
	name := d.name(n.Field)
	switch n.Op {
	case Above, AtLeast, Below, AtMost:
		return name + " " + comparisons[n.Op] + " " + d.number(n.Field, n.Number)
	case IsTrue:
		return name
	case Ratio:
		return fmt.Sprintf(d.forms[Ratio], name, d.number(FailureRate, n.Number), d.name(n.By))
	}
	form, ok := d.forms[n.Op]
	if !ok {
		panic(fmt.Sprintf("the language has no form for operation %d", n.Op))
	}
	return fmt.Sprintf(form, name, quoted(n.Texts))
}

func quoted(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strconv.Quote(t)
	}
	return strings.Join(out, ", ")
}

// Ours is the condition in the language of our policies.
func (n *Condition) Ours() string {
	d := dialect{func(f Field) string { return names[f].fact }, " and ", " or ", "not ", plain, exprForms}
	return d.write(n)
}

// Expr is the condition in expr, over a [Change].
func (n *Condition) Expr() string {
	d := dialect{Field.String, " and ", " or ", "not ", plain, exprForms}
	return d.write(n)
}

// CEL is the condition in the Common Expression Language, a variable for each
// field.
func (n *Condition) CEL() string {
	d := dialect{Field.String, " && ", " || ", "!", pointed, celForms}
	return d.write(n)
}

// Cedar is the condition as the rule of a policy, over a context with a member
// for each field. Decimals are compared by method, and texts by pattern.
func (n *Condition) Cedar() string {
	d := cedar{dialect{func(f Field) string { return "context." + f.String() }, " && ", " || ", "!", plain, cedarForms}}
	return d.write(n)
}

// cedar is a dialect whose tests differ in form.
type cedar struct{ dialect }

func (d cedar) write(n *Condition) string {
	switch n.Op {
	case And, Or:
		sign := map[Op]string{And: d.and, Or: d.or}[n.Op]
		of := make([]string, len(n.Of))
		for i := range n.Of {
			of[i] = "(" + d.write(&n.Of[i]) + ")"
		}
		return strings.Join(of, sign)
	case Not:
		return d.not + "(" + d.write(&n.Of[0]) + ")"
	case Contains:
		return d.name(n.Field) + ` like "*` + n.Texts[0] + `*"`
	case Starts:
		return d.name(n.Field) + ` like "` + n.Texts[0] + `*"`
	case Above, AtLeast, Below, AtMost:
		if n.Field.Decimal() {
			method := map[Op]string{Above: "greaterThan", AtLeast: "greaterThanOrEqual", Below: "lessThan", AtMost: "lessThanOrEqual"}[n.Op]
			return d.name(n.Field) + "." + method + `(decimal("` + pointed(n.Field, n.Number) + `"))`
		}
	}
	return d.test(n)
}

// Rego is a module that makes the set "matched" of the ids of the rules that
// hold. An "or" is a rule of its own for each side.
func (w *Workload) Rego() string {
	var b strings.Builder
	b.WriteString("package risk\n\n")
	for i := range w.Rules {
		for _, clause := range w.Rules[i].When.Clauses() {
			fmt.Fprintf(&b, "matched contains %q if {\n", w.Rules[i].ID)
			for _, l := range clause {
				b.WriteString("\t" + rego(l) + "\n")
			}
			b.WriteString("}\n\n")
		}
	}
	return b.String()
}

// rego is one line of the body of a rule.
func rego(l Literal) string {
	n, not := &l.Test, ""
	if l.Not {
		not = "not "
	}
	name, text := "input."+n.Field.String(), quoted(n.Texts)
	switch n.Op {
	case Equal:
		return not + name + " == " + text
	case In:
		return not + name + " in {" + text + "}"
	case IsTrue:
		return not + name
	case Has:
		return not + text + " in " + name
	case AnyStart:
		return not + "strings.any_prefix_match(" + name + ", " + text + ")"
	case AnyEnd:
		return not + "strings.any_suffix_match(" + name + ", " + text + ")"
	case Contains:
		return not + "contains(" + name + ", " + text + ")"
	case Starts:
		return not + "startswith(" + name + ", " + text + ")"
	case Matches:
		return not + "regex.match(" + text + ", " + name + ")"
	case Ratio:
		return fmt.Sprintf("%s%s / input.%s > %s", not, name, n.By, plain(n.Field, n.Number))
	}
	return not + name + " " + comparisons[n.Op] + " " + plain(n.Field, n.Number)
}
