package risk_test

import (
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// decide evaluates a condition over facts.
func (c *cond) decide(f map[string]value) truth {
	switch c.op {
	case "and":
		return first(andOrder, c.args[0].decide(f), c.args[1].decide(f))
	case "or":
		return first(orOrder, c.args[0].decide(f), c.args[1].decide(f))
	case "not":
		t := c.args[0].decide(f)
		if t == yes || t == no {
			return truthOf(t == no)
		}
		return t
	case "choice":
		return c.choose(c.args[0].decide(f), c.args[1].decide(f), c.args[2].decide(f))
	case "known":
		if t := f[c.fact].state; t == fault {
			return t
		}
		return truthOf(f[c.fact].state == yes)
	case "touches":
		return c.strict(f, "change.paths")
	case "same":
		list, other := f[c.fact], f[c.other]
		if list.state != yes || len(list.list) == 0 { // a loop over nothing asks nothing
			return first("fuxn", list.state, no)
		}
		if other.state != yes {
			return other.state
		}
		return truthOf(slices.Contains(list.list, other.text))
	case "sum":
		return c.strict(f, c.fact, c.other)
	}
	return c.strict(f, c.fact)
}

func (c *cond) choose(condition, a, b truth) truth {
	switch {
	case condition == yes:
		return a
	case condition == no:
		return b
	case a == b && (a == yes || a == no):
		return a
	}
	return first("fuxyn", condition, a, b)
}

// strict is for atoms that are only asked when all that they read is there.
func (c *cond) strict(f map[string]value, names ...string) truth {
	states := []truth{yes}
	for _, name := range names {
		states = append(states, f[name].state)
	}
	if worst := first("fuxy", states...); worst != yes {
		return worst
	}
	return c.compute(f[names[0]], f[names[len(names)-1]])
}

func (c *cond) compute(v, other value) truth {
	switch c.op {
	case "flag":
		return truthOf(v.flag)
	case "number":
		return c.compared(v.number)
	case "sum":
		return c.compared(new(big.Rat).Add(v.number, other.number)) // far from 64 bits
	case "times":
		product := new(big.Rat).Mul(v.number, big.NewRat(999_999_999_999_999_999, 1))
		if product.Cmp(big.NewRat(math.MaxInt64, 1)) > 0 || product.Cmp(big.NewRat(math.MinInt64, 1)) < 0 {
			return fault
		}
		return c.compared(product)
	case "ratio":
		if v.number.Sign() == 0 {
			return fault
		}
		divisor, _ := v.number.Float64()
		return c.compared(new(big.Rat).SetFloat64(100 / divisor))
	case "length":
		return c.compared(big.NewRat(int64(len([]rune(v.text))+len(v.list)), 1))
	case "count":
		n := 0
		for _, e := range v.list {
			n += len(c.holding([]string{e}, "contains"))
		}
		return c.compared(big.NewRat(int64(n), 1))
	case "text":
		return truthOf(c.ordered(strings.Compare(v.text, c.texts[0])))
	case "search":
		return truthOf(len(c.holding([]string{v.text}, c.sign)) == 1)
	case "in":
		return truthOf(slices.Contains(c.texts, v.text) == (c.sign == "in"))
	case "member":
		return truthOf(slices.Contains(v.list, c.texts[0]))
	case "lower":
		return truthOf(strings.ToLower(v.text) == c.texts[0])
	case "touches":
		return truthOf(slices.ContainsFunc(v.list, func(p string) bool {
			return slices.ContainsFunc(c.texts, func(glob string) bool { return naiveGlobs[glob].MatchString(p) })
		}))
	}
	if c.op == "all" && len(v.list) == 0 {
		return unknown
	}
	n := len(c.holding(v.list, c.sign))
	return truthOf(map[string]bool{"any": n > 0, "all": n == len(v.list), "none": n == 0, "one": n == 1}[c.op])
}

// naiveGlobs are the globs of the generator, spelt out by hand.
var naiveGlobs = map[string]*regexp.Regexp{
	"db/**":      regexp.MustCompile(`^db/.`),
	"*.go":       regexp.MustCompile(`^[^/]*\.go$`),
	"**/b.sql":   regexp.MustCompile(`^(.*/)?b\.sql$`),
	"db/*/b.sql": regexp.MustCompile(`^db/[^/]*/b\.sql$`),
	"a/?.tf":     regexp.MustCompile(`^a/[^/]\.tf$`),
}

func (c *cond) holding(list []string, sign string) []string {
	test := map[string]func(s, part string) bool{"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "contains": strings.Contains, "matches": strings.Contains}[sign]
	var out []string
	for _, s := range list {
		if test(s, c.texts[0]) {
			out = append(out, s)
		}
	}
	return out
}

func (c *cond) compared(n *big.Rat) truth {
	limit, _ := new(big.Rat).SetString(c.number)
	if strings.Contains(c.number, ".") { // decimals are binary64
		f, _ := limit.Float64()
		limit.SetFloat64(f)
	}
	return truthOf(c.ordered(n.Cmp(limit)))
}

func (c *cond) ordered(d int) bool {
	return map[string]bool{"==": d == 0, "!=": d != 0, "<": d < 0, "<=": d <= 0, ">": d > 0, ">=": d >= 0}[c.sign]
}

// reads lists the facts that a condition looks at.
func (c *cond) reads() []string {
	var out []string
	for _, a := range c.args {
		out = append(out, a.reads()...)
	}
	if len(c.args) > 0 {
		return out
	}
	if c.op == "sum" || c.op == "same" {
		return []string{c.fact, c.other}
	}
	return []string{c.fact}
}
