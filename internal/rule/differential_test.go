package rule

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

const rowsEach = 10

// differentialPairs is the number of (source, facts) pairs of one run.
func differentialPairs(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("CHANGELANE_DIFFERENTIAL"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

// histogram counts what a differential run was made of.
type histogram struct {
	pairs, expressions, refused int
	verdicts                    map[Verdict]int
	words                       map[string]int
	missing, boundary, filled   int
	compared                    int
	facts                       int // of the vocabulary
}

func (h *histogram) add(r row, v Verdict) {
	h.pairs++
	h.verdicts[v]++
	h.missing, h.boundary, h.filled = h.missing+r.missing, h.boundary+r.boundary, h.filled+r.filled
}

func share(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// languageWords are the operators and functions that must each be in at least
// one of a hundred expressions.
var languageWords = strings.Fields("and && or || not ! == != < <= > >= + - * / % ?: chain nested # in contains startsWith endsWith matches any all none one count len lower upper trim abs min max known touches sets seconds minutes hours days weeks bytes kib mib gib")

// TestDifferentialNaive compares the engine with the naive interpreter, on all
// facts, and holds the generator to the shares that make this worth something.
func TestDifferentialNaive(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g := newGenerator(v, 1)
	h := &histogram{verdicts: map[Verdict]int{}, words: map[string]int{}, facts: v.Len()}
	for pairs := differentialPairs(t); h.pairs < pairs; {
		e, refused := g.expression(t)
		h.expressions, h.refused = h.expressions+1, h.refused+refused
		for word := range g.used {
			h.words[word]++
		}
		tree, err := parsed(v, e.Source())
		if err != nil {
			t.Fatalf("%s: %v", e.Source(), err)
		}
		checkReads(t, v, e, tree)
		for range rowsEach {
			r := g.values()
			n := &naive{vocabulary: v, facts: r.facts}
			want := n.decide(tree.Node)
			if got, why := e.Eval(r.facts); got != want {
				t.Fatalf("pair %d: %s\n got %v %s, want %v\n%s", h.pairs, e.Source(), got, why, want, show(v, r.facts))
			}
			h.add(r, want)
		}
	}
	h.report(t)
}

func (h *histogram) report(t *testing.T) {
	t.Helper()
	t.Logf("%d pairs, %d expressions, %d more refused for their size", h.pairs, h.expressions, h.refused)
	for _, v := range []Verdict{IsTrue, IsFalse, IsUnknown, IsNotApplicable, IsFault} {
		t.Logf("%-15s %5.1f %%", v, share(h.verdicts[v], h.pairs))
	}
	for _, word := range slices.Sorted(maps.Keys(h.words)) {
		t.Logf("%-15s %5.1f %% of expressions", word, share(h.words[word], h.expressions))
	}
	total := h.pairs * h.facts
	t.Logf("missing facts %.1f %%, boundary values %.1f %% of the numbers, texts, lists and others that are present", share(h.missing, total), share(h.boundary, h.filled))
	for _, word := range languageWords {
		negated := h.words["not "+word]
		least := 1.0
		if measures[word].size > 0 {
			least = 0.5 // one of many
		}
		if s := share(h.words[word]+negated, h.expressions); s < least {
			t.Errorf("%q is in %.2f %% of the expressions, want %v %% or more", word, s, least)
		}
	}
	for _, word := range []string{"not in", "not contains", "not matches", "not endsWith"} {
		if h.words[word] == 0 {
			t.Errorf("%q is in no expression", word)
		}
	}
	bar := func(what string, got, low, high float64) {
		if got < low || got > high {
			t.Errorf("%s: %.1f %%, want %v to %v", what, got, low, high)
		}
	}
	bar("true among true and false", share(h.verdicts[IsTrue], h.verdicts[IsTrue]+h.verdicts[IsFalse]), 20, 80)
	bar("true or false", share(h.verdicts[IsTrue]+h.verdicts[IsFalse], h.pairs), 40, 90)
	bar("unknown", share(h.verdicts[IsUnknown], h.pairs), 5, 60)
	bar("faults", share(h.verdicts[IsFault], h.pairs), 2, 40)
	bar("not applicable", share(h.verdicts[IsNotApplicable], h.pairs), 0.1, 20)
	bar("missing facts", share(h.missing, total), 20, 60)
	bar("boundary values", share(h.boundary, h.filled), 30, 80)
	bar("refused", share(h.refused, h.expressions+h.refused), 0, 40)
}

// readers collects the facts that a tree names.
type readers struct{ reads, asks map[string]bool }

func (r *readers) walk(n ast.Node, into map[string]bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode:
		if !strings.HasPrefix(nameOf(n), "sets.") {
			into[nameOf(n)] = true
		}
	case *ast.UnaryNode:
		r.walk(n.Node, into)
	case *ast.BinaryNode:
		r.walk(n.Left, into)
		r.walk(n.Right, into)
	case *ast.ConditionalNode:
		r.walk(n.Cond, into)
		r.walk(n.Exp1, into)
		r.walk(n.Exp2, into)
	case *ast.PredicateNode:
		r.walk(n.Node, into)
	case *ast.BuiltinNode:
		for _, a := range n.Arguments {
			r.walk(a, into)
		}
	case *ast.CallNode:
		if n.Callee.(*ast.IdentifierNode).Value == "touches" {
			into["change.paths"] = true
			return
		}
		r.walk(n.Arguments[0], r.asks)
	}
}

// checkReads holds Reads and AsksPresence to what the tree says.
func checkReads(t *testing.T, v *Vocabulary, e *Expr, tree *parser.Tree) {
	t.Helper()
	r := &readers{map[string]bool{}, map[string]bool{}}
	r.walk(tree.Node, r.reads)
	for _, c := range []struct {
		got  []int
		want map[string]bool
	}{{e.Reads(), r.reads}, {e.AsksPresence(), r.asks}} {
		got := map[string]bool{}
		for _, i := range c.got {
			got[v.Fact(i).Name] = true
		}
		if !maps.Equal(got, c.want) || !slices.IsSorted(c.got) {
			t.Fatalf("%s: reads or asks %v, want %v", e.Source(), got, c.want)
		}
	}
}

// machine runs a source on expr's own compiler and virtual machine.
type machine struct {
	vocabulary *Vocabulary
	options    []expr.Option
	paths      []string // what touches() looks at in this run
	vm         vm.VM
}

func newMachine(v *Vocabulary) *machine {
	m := &machine{vocabulary: v}
	environment, sets := types.Map{}, types.Map{}
	for _, s := range v.sets {
		sets[s.Name] = types.Array(types.String)
	}
	environment["sets"] = sets
	for i := range v.Len() {
		f := v.Fact(i)
		kind := map[Type]types.Type{Bool: types.Bool, Int: types.Int, Float: types.Float64, Text: types.String, List: types.Array(types.String)}[f.Type]
		group, name, dotted := strings.Cut(f.Name, ".")
		if !dotted {
			environment[f.Name] = kind
			continue
		}
		if environment[group] == nil {
			environment[group] = types.Map{}
		}
		environment[group].(types.Map)[name] = kind
	}
	known := func(...any) (any, error) { return true, nil }
	touches := func(globs ...any) (any, error) {
		return slices.ContainsFunc(m.paths, func(path string) bool {
			return slices.ContainsFunc(globs, func(glob any) bool {
				list, ok := glob.([]string)
				if !ok {
					list = []string{glob.(string)}
				}
				return slices.ContainsFunc(list, func(g string) bool { return naiveGlob(strings.Split(g, "/"), strings.Split(path, "/")) })
			})
		}), nil
	}
	m.options = []expr.Option{expr.Env(environment), expr.AsBool(),
		expr.Function("known", known, new(func(any) bool)), expr.Function("touches", touches, new(func(any, ...any) bool)), expr.Patch(settler{v})}
	for word := range measures { // the settler puts numbers in their place
		unsettled := func(...any) (any, error) { return nil, fmt.Errorf("%s() was not settled", word) }
		m.options = append(m.options, expr.Function(word, unsettled, new(func(any) any)))
	}
	return m
}

func (m *machine) compile(source string, optimize bool) (*vm.Program, error) {
	return expr.Compile(source, append([]expr.Option{expr.Optimize(optimize)}, m.options...)...)
}

// environment is facts as expr's machine wants them.
func (m *machine) environment(facts []Value) map[string]any {
	sets := map[string]any{}
	for _, s := range m.vocabulary.sets {
		sets[s.Name] = s.Items
	}
	env := map[string]any{"sets": sets}
	for i, value := range facts {
		f := m.vocabulary.Fact(i)
		plain := map[Type]any{Bool: value.Bool, Int: int(value.Int), Float: value.Float, Text: value.Text, List: value.List}[f.Type]
		if f.Name == "change.paths" {
			m.paths = value.List
		}
		group, name, dotted := strings.Cut(f.Name, ".")
		if !dotted {
			env[f.Name] = plain
			continue
		}
		if env[group] == nil {
			env[group] = map[string]any{}
		}
		env[group].(map[string]any)[name] = plain
	}
	return env
}

func (m *machine) run(program *vm.Program, facts []Value) (Verdict, error) {
	out, err := m.vm.Run(program, m.environment(facts))
	if err != nil {
		return IsFault, err
	}
	if truth, ok := out.(bool); ok && truth {
		return IsTrue, nil
	} else if !ok {
		return IsFault, fmt.Errorf("%T is not a bool", out)
	}
	return IsFalse, nil
}

// TestDifferentialVM compares the engine with expr's virtual machine, with its
// optimizer on and off, wherever all facts that are read are present, nothing
// faults, and no comparison needs more digits than a float has.
func TestDifferentialVM(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g, m := newGenerator(v, 1), newMachine(v) // the pairs of TestDifferentialNaive
	h := &histogram{verdicts: map[Verdict]int{}, words: map[string]int{}, facts: v.Len()}
	outside := map[string]int{}
	for pairs := differentialPairs(t); h.pairs < pairs; {
		e, _ := g.expression(t)
		tree, err := parsed(v, e.Source())
		if err != nil {
			t.Fatal(err)
		}
		var programs []*vm.Program
		for _, optimize := range []bool{false, true} {
			p, err := m.compile(e.Source(), optimize)
			if err != nil && strings.Contains(err.Error(), "integer divide by zero") {
				break // a constant that it folds, on a branch that may never be taken
			}
			if err != nil {
				t.Fatalf("%s: expr does not compile it: %v", e.Source(), err)
			}
			programs = append(programs, p)
		}
		for range rowsEach {
			r := g.values()
			n := &naive{vocabulary: v, facts: r.facts}
			want, why := n.decide(tree.Node), ""
			h.add(r, want)
			switch {
			case n.spoilt:
				why = "a fact is not present, or something faults"
			case n.lossy:
				why = "a whole number over 2^53 is compared with a decimal"
			case n.vacuous:
				why = "all is asked over an empty list, where expr says true"
			case len(programs) < 2:
				why = "a constant is divided by zero, which expr does not compile"
			}
			if why != "" {
				outside[why]++
				continue
			}
			h.compared++
			got, _ := e.Eval(r.facts)
			for i, p := range programs {
				if out, err := m.run(p, r.facts); err != nil || out != got {
					t.Fatalf("%s\n engine %v, expr's machine (optimizer %v) %v %v\n%s", e.Source(), got, i == 1, out, err, show(v, r.facts))
				}
			}
		}
	}
	t.Logf("%d pairs, %d compared (%.1f %%); outside the machine's domain:", h.pairs, h.compared, share(h.compared, h.pairs))
	for _, why := range slices.Sorted(maps.Keys(outside)) {
		t.Logf("%6.1f %% %s", share(outside[why], h.pairs), why)
	}
	if share(h.compared, h.pairs) < 30 {
		t.Errorf("only %.1f %% of the pairs were compared, want 30 %% or more", share(h.compared, h.pairs))
	}
}
