package rule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// trialVocabulary has every type of fact, closed sets, and lists of at most
// the given size; the adversarial tests share it.
func trialVocabulary(t testing.TB, items, bytes int) *Vocabulary {
	t.Helper()
	v, err := NewVocabulary(append([]Fact{
		{Name: "change.kind", Type: Text, Words: []string{"code", "config", "data"}, Bytes: 16},
		{Name: "change.title", Type: Text, Bytes: 256},
		{Name: "change.note", Type: Text, Bytes: 256},
		{Name: "change.lines", Type: Int},
		{Name: "change.files", Type: Int},
		{Name: "change.downtime", Type: Bool},
		{Name: "change.urgent", Type: Bool},
		{Name: "change.paths", Type: List, Items: items, Bytes: bytes},
		{Name: "change.tags", Type: List, Words: []string{"red", "green", "blue"}, Items: min(items, 20), Bytes: min(bytes, 256)},
		{Name: "history.rate", Type: Float},
		{Name: "history.ratio", Type: Float},
		{Name: "history.count", Type: Int},
		{Name: "evidence.smoke", Type: Text, Words: []string{"passed", "failed"}, Bytes: 16},
		{Name: "level", Type: Text, Words: []string{"low", "medium", "high"}, Bytes: 16},
		{Name: "exposed", Type: Bool},
	}, measuredFacts...), "change.paths")
	if err != nil {
		t.Fatal(err)
	}
	return v.WithSets(trialSets())
}

// part is a piece of source and how tightly its loosest operator binds.
type part struct {
	text string
	bind int
}

const (
	bindChoice, bindOr, bindAnd, bindCompare, bindAdd = 0, 10, 15, 20, 30
	bindNot, bindMul, bindMinus, bindAtom             = 50, 60, 90, 1000
)

// generator makes well-typed conditions and facts that are near their edges.
type generator struct {
	*rand.Rand
	vocabulary *Vocabulary
	used       map[string]bool // operators and functions of this expression
	ints       []int64         // numbers and texts of this expression
	floats     []float64
	texts      []string
	loops      []string // the lists of the loops around
}

func newGenerator(v *Vocabulary, seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 14)), vocabulary: v}
}

// expression makes a condition that the engine accepts, and counts the ones
// that it refuses for their size.
func (g *generator) expression(t testing.TB) (*Expr, int) {
	t.Helper()
	for refused := 0; ; refused++ {
		g.used, g.ints, g.floats, g.texts, g.loops = map[string]bool{}, nil, nil, nil, nil
		source := g.condition(1 + g.IntN(4)).text
		e, err := Compile(g.vocabulary, source)
		if err == nil {
			return e, refused
		}
		if !slices.ContainsFunc([]string{"reads no fact", "always the same", "always fails", "parts; split it", "nested more than", "could cost", "could be longer"}, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Fatalf("the generator made %s\n%v", source, err)
		}
	}
}

func (g *generator) use(word string) string {
	g.used[word] = true
	return word
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) one(in int) bool { return g.IntN(in) == 0 }

// at puts parentheses around a part that binds too loosely, and now and then
// around one that does not need them.
func (g *generator) at(p part, bind int) string {
	if p.bind < bind || g.one(25) {
		return "(" + p.text + ")"
	}
	return p.text
}

func (g *generator) infix(left part, operator string, right part, bind int) part {
	return part{g.at(left, bind) + " " + g.use(operator) + " " + g.at(right, bind+1), bind}
}

// choose makes c ? a : b of any kind of part.
func (g *generator) choose(depth int, branch func(int) part) part {
	g.use("?:")
	return part{g.at(g.condition(depth-1), 1) + " ? " + branch(depth-1).text + " : " + branch(depth-1).text, bindChoice}
}

func (g *generator) condition(depth int) part {
	if depth <= 0 {
		return g.simple()
	}
	switch g.IntN(18) {
	case 0, 1, 2:
		return g.infix(g.condition(depth-1), pick(g, "and", "&&"), g.condition(depth-1), bindAnd)
	case 3, 4, 5:
		return g.infix(g.condition(depth-1), pick(g, "or", "||"), g.condition(depth-1), bindOr)
	case 6, 7:
		return part{g.use(pick(g, "not", "!")) + " " + g.at(g.condition(depth-1), bindNot), bindNot}
	case 8:
		return g.choose(depth, g.condition)
	case 9:
		return g.infix(g.condition(depth-1), pick(g, "==", "!="), g.condition(depth-1), bindCompare)
	case 10, 11:
		return g.comparison(depth)
	case 12:
		return g.search(depth)
	case 13, 14:
		return g.loop(depth)
	case 15:
		return g.span(depth)
	case 16:
		return g.inSet(depth)
	}
	return g.simple()
}

// simple is a condition of one step.
func (g *generator) simple() part {
	if len(g.loops) > 0 && !g.one(6) {
		return g.aboutElement()
	}
	switch g.IntN(14) {
	case 0, 1:
		return part{pick(g, "change.downtime", "change.urgent", "exposed"), bindAtom}
	case 2:
		fact := g.vocabulary.Fact(g.IntN(g.vocabulary.Len())).Name
		return part{g.use("known") + "(" + fact + ")", bindAtom}
	case 3:
		globs := make([]string, 1+g.IntN(2))
		for i := range globs {
			globs[i] = g.quote(g.glob())
		}
		return part{g.use("touches") + "(" + strings.Join(globs, ", ") + ")", bindAtom}
	case 4, 5:
		return g.closed()
	case 6:
		return g.infix(part{g.quote(pick(g, paths...)), bindAtom}, "in", part{"change.paths", bindAtom}, bindCompare)
	case 7:
		return g.search(0)
	case 8:
		return g.membership(0)
	case 12:
		return g.span(0)
	case 13:
		return g.inSet(0)
	case 9:
		return g.infix(part{pick(g, "change.downtime", "exposed"), bindAtom}, pick(g, "==", "!="), part{pick(g, "true", "false"), bindAtom}, bindCompare)
	}
	return g.comparison(0)
}

var (
	paths = []string{"db/migrations/1.sql", "src/main.go", "README.md", "a/b/c/d.go", "docs/é.md", "main.go", "src/.hidden", "x"}
	texts = []string{"", "fix", "Fix it", "urgent: É", "db/", ".sql", "a", "src", " pad ", "ÀB"}
)

// closed compares a fact from a fixed set with words of that set.
func (g *generator) closed() part {
	fact := g.vocabulary.Fact(pick(g, 0, 12, 13))
	name := part{fact.Name, bindAtom}
	word := func() string { return g.quote(pick(g, fact.Words...)) }
	switch g.IntN(4) {
	case 0:
		return g.infix(name, pick(g, "in", "not in"), part{"[" + word() + ", " + word() + "]", bindAtom}, bindCompare)
	case 1:
		return g.infix(part{g.quote(pick(g, "red", "green", "blue")), bindAtom}, pick(g, "in", "not in"), part{"change.tags", bindAtom}, bindCompare)
	case 2:
		return g.infix(part{word(), bindAtom}, pick(g, "==", "!="), name, bindCompare)
	}
	return g.infix(name, pick(g, "==", "!="), part{word(), bindAtom}, bindCompare)
}

func (g *generator) aboutElement() part {
	element := part{g.use("#"), bindAtom}
	if g.loops[len(g.loops)-1] == "change.tags" {
		if g.one(2) {
			return g.infix(element, pick(g, "in", "not in"), part{`["red", "green"]`, bindAtom}, bindCompare)
		}
		return g.infix(element, pick(g, "==", "!="), part{g.quote(pick(g, "red", "green", "blue")), bindAtom}, bindCompare)
	}
	switch g.IntN(4) {
	case 0:
		return g.infix(element, pick(g, "==", "!=", "<", ">="), part{g.quote(pick(g, paths...)), bindAtom}, bindCompare)
	case 1:
		return g.infix(element, "matches", part{g.quote(g.pattern()), bindAtom}, bindCompare)
	case 2:
		return g.infix(part{g.use("len") + "(#)", bindAtom}, g.sign(), part{strconv.Itoa(g.IntN(20)), bindAtom}, bindCompare)
	}
	return g.infix(element, pick(g, "contains", "startsWith", "endsWith", "not contains", "not endsWith"), part{g.quote(pick(g, texts...)), bindAtom}, bindCompare)
}

func (g *generator) sign() string { return pick(g, "==", "!=", "<", "<=", ">", ">=") }

// comparison compares like with like, a decimal with a whole number, or three
// numbers in a row.
func (g *generator) comparison(depth int) part {
	side := func() part { return g.number(depth-1, pick(g, Int, Float)) }
	switch g.IntN(7) {
	case 0:
		return g.infix(g.words(depth-1), g.sign(), g.words(depth-1), bindCompare)
	case 1:
		g.use("chain")
		text := g.at(side(), bindCompare+1)
		for range 2 + g.IntN(2) {
			text += " " + g.use(pick(g, "<", "<=", ">", ">=")) + " " + g.at(side(), bindCompare+1)
		}
		return part{text, bindCompare}
	case 2, 3:
		return g.infix(part{pick(g, "change.lines", "change.files", "history.count"), bindAtom}, g.sign(), g.constant(Int), bindCompare)
	case 4:
		return g.infix(part{pick(g, "history.rate", "history.ratio"), bindAtom}, g.sign(), g.constant(pick(g, Int, Float)), bindCompare)
	}
	return g.infix(side(), g.sign(), side(), bindCompare)
}

func (g *generator) membership(depth int) part {
	if g.one(3) {
		list := "[" + g.quote(g.word()) + ", " + g.quote(g.word()) + "]"
		return g.infix(g.words(depth-1), pick(g, "in", "not in"), part{list, bindAtom}, bindCompare)
	}
	items := make([]string, 1+g.IntN(4))
	for i := range items {
		items[i] = g.constant(Int).text
	}
	return g.infix(g.number(depth-1, Int), pick(g, "in", "not in"), part{"[" + strings.Join(items, ", ") + "]", bindAtom}, bindCompare)
}

func (g *generator) search(depth int) part {
	not := ""
	if g.one(4) {
		not = "not "
	}
	switch g.IntN(5) {
	case 0:
		return g.infix(g.words(depth-1), not+"matches", part{g.quote(g.pattern()), bindAtom}, bindCompare)
	case 1:
		return g.membership(depth)
	}
	return g.infix(g.words(depth-1), not+pick(g, "contains", "startsWith", "endsWith"), g.words(0), bindCompare)
}

func (g *generator) loop(depth int) part {
	p, count := g.iterate(depth, pick(g, "any", "all", "none", "one", "count"))
	if !count {
		return p
	}
	return g.infix(p, g.sign(), part{strconv.Itoa(g.IntN(4)), bindAtom}, bindCompare)
}

func (g *generator) iterate(depth int, name string) (part, bool) {
	if len(g.loops) >= 2 {
		return g.aboutElement(), false
	}
	list := pick(g, "change.paths", "change.paths", "change.tags")
	if g.loops = append(g.loops, list); len(g.loops) == 2 {
		g.use("nested")
	}
	body := g.condition(min(depth-1, 2)).text
	g.loops = g.loops[:len(g.loops)-1]
	if g.one(3) {
		body = "{" + body + "}"
	}
	return part{g.use(name) + "(" + list + ", " + body + ")", bindAtom}, name == "count"
}

func (g *generator) number(depth int, kind Type) part {
	if depth <= 0 {
		switch {
		case g.one(3):
			return g.constant(kind)
		case kind == Float:
			return part{pick(g, "history.rate", "history.ratio"), bindAtom}
		}
		return part{pick(g, "change.lines", "change.files", "history.count"), bindAtom}
	}
	other := kind
	if kind == Float {
		other = pick(g, Int, Float)
	}
	switch g.IntN(10) {
	case 0:
		g.use("unary -")
		return part{"-" + g.at(g.number(depth-1, kind), bindMinus), bindMinus}
	case 1, 2:
		return g.infix(g.number(depth-1, kind), pick(g, "+", "-"), g.number(depth-1, other), bindAdd)
	case 3:
		return g.infix(g.number(depth-1, kind), "*", g.number(depth-1, other), bindMul)
	case 4:
		if kind == Int {
			return g.infix(g.number(depth-1, Int), "%", g.number(depth-1, Int), bindMul)
		}
		return g.infix(g.number(depth-1, pick(g, Int, Float)), "/", g.number(depth-1, pick(g, Int, Float)), bindMul)
	case 5:
		return part{g.use("abs") + "(" + g.number(depth-1, kind).text + ")", bindAtom}
	case 6:
		return part{g.use(pick(g, "min", "max")) + "(" + g.number(depth-1, kind).text + ", " + g.number(depth-1, kind).text + ")", bindAtom}
	case 7:
		return g.choose(depth, func(d int) part { return g.number(d, kind) })
	}
	if kind == Float {
		return g.number(0, Float)
	}
	if g.one(2) {
		p, counts := g.iterate(depth, "count")
		if counts {
			return p
		}
	}
	inside := pick(g, "change.paths", "change.tags", g.words(depth-1).text)
	return part{g.use("len") + "(" + inside + ")", bindAtom}
}

func (g *generator) constant(kind Type) part {
	if kind == Float {
		f := pick(g, 0, 0.05, 0.5, 1, 2.5, 100.25, float64(g.IntN(1000))/8, 9007199254740992)
		g.floats = append(g.floats, f)
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return part{text, bindAtom}
	}
	n := pick(g, 0, 1, 2, 3, 10, 400, g.Int64N(1000), 1<<53-1, 1<<53, 1<<53+1, 999999999999999999)
	if g.one(2) {
		n = g.Int64N(12)
	}
	g.ints = append(g.ints, n)
	return part{strconv.FormatInt(n, 10), bindAtom}
}

// words is an open text.
func (g *generator) words(depth int) part {
	if depth <= 0 {
		if g.one(3) {
			return part{g.quote(g.word()), bindAtom}
		}
		return part{pick(g, "change.title", "change.note"), bindAtom}
	}
	switch g.IntN(4) {
	case 0:
		return part{g.use(pick(g, "lower", "upper", "trim")) + "(" + pick(g, g.words(depth-1).text, "change.kind") + ")", bindAtom}
	case 1:
		return g.infix(g.words(depth-1), "+", g.words(depth-1), bindAdd)
	case 2:
		return g.choose(depth, g.words)
	}
	return g.words(0)
}

func (g *generator) word() string { return pick(g, texts...) }

func (g *generator) quote(s string) string {
	g.texts = append(g.texts, s)
	switch g.IntN(6) {
	case 0:
		return "'" + s + "'"
	case 1:
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func (g *generator) pattern() string {
	return pick(g, "^fix", "(?i)FIX", `[a-z]+/`, `.go$`, "^$", "é|É", ".{3}", "a*b?", "[^/]+[.](sql|md)$")
}

func (g *generator) glob() string {
	if g.one(2) {
		return pick(g, "db/**", "**/*.go", "*.md", "**", "src/?ain.go", "a/**/d.go", "**/c/**", "*", "**/**", "*/*")
	}
	names := strings.Split(pick(g, paths...), "/")
	for i := range names {
		switch g.IntN(5) {
		case 0:
			names[i] = "**"
		case 1:
			names[i] = "*" + names[i][len(names[i])/2+1:]
		}
	}
	return strings.ToValidUTF8(strings.Join(names, "/"), "?")
}

// row is facts, and what was drawn for them.
type row struct {
	facts                     []Value
	missing, boundary, filled int
}

// values draws facts: some rows are complete, and most values lie on an edge
// or next to a constant of the expression.
func (g *generator) values() row {
	r := row{facts: make([]Value, g.vocabulary.Len())}
	complete, wild := g.IntN(100) < 45, g.one(3)
	for i := range r.facts {
		if draw := g.IntN(100); !complete && draw < 50 {
			switch {
			case draw < 42:
				r.missing++
			case draw < 46:
				r.facts[i] = Value{State: NotApplicable}
			default:
				r.facts[i] = Value{State: Faulty, Text: "unreadable"}
			}
			continue
		}
		value, edge := g.value(g.vocabulary.Fact(i), wild)
		r.facts[i] = value
		r.filled++
		if edge {
			r.boundary++
		}
	}
	return r
}

// value draws a present value; the second result says that it is on an edge.
func (g *generator) value(f Fact, wild bool) (Value, bool) {
	edge := !g.one(3)
	switch f.Type {
	case Bool:
		return BoolValue(g.one(2)), false
	case Int:
		near := append([]int64{0}, g.ints...)
		if wild {
			near = append(near, math.MinInt64, math.MaxInt64, math.MaxInt64-1, 1<<53, -1<<53, 1<<62)
		}
		if n := pick(g, near...); edge {
			return IntValue(n + pick(g, 0, int64(sign(n)))), true
		}
		return IntValue(g.Int64N(12)), false
	case Float:
		near := append([]float64{0, math.Copysign(0, -1)}, g.floats...)
		if wild {
			near = append(near, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1<<53, 1<<63, -1<<63, 1e300)
			if g.one(12) {
				near = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}
			}
		}
		if n := pick(g, near...); edge {
			return FloatValue(pick(g, n, math.Nextafter(n, 1e9), math.Nextafter(n, -1e9))), true
		}
		return FloatValue(float64(g.IntN(2000)) / 16), false
	case List:
		if edge && g.one(2) {
			return ListValue(nil), true
		}
		return ListValue(g.list(f)), false
	}
	if f.Words != nil {
		return TextValue(pick(g, f.Words...)), false
	}
	if edge {
		s := pick(g, append([]string{""}, g.texts...)...)
		return TextValue(pick(g, s, s, s+"x", strings.ToUpper(s))), true
	}
	return TextValue(g.word()), false
}

// sign steps away from zero's far side, so that an edge never wraps.
func sign(n int64) int {
	if n > 0 {
		return -1
	}
	return 1
}

func (g *generator) list(f Fact) []string {
	from := paths
	if f.Words != nil {
		from = f.Words
	}
	list := make([]string, 1+g.IntN(min(f.Items, 5)))
	for i := range list {
		list[i] = pick(g, from...)
	}
	return list
}

func show(v *Vocabulary, facts []Value) string {
	var b strings.Builder
	for i, f := range facts {
		fmt.Fprintf(&b, "  %s = %+v\n", v.Fact(i).Name, f)
	}
	return b.String()
}
