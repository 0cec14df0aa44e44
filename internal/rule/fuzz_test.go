package rule

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/expr-lang/expr/vm"
)

// seedSources adds the sources of both corpora, but the long ones.
func seedSources(f *testing.F, add func(source string)) {
	f.Helper()
	for name, fields := range map[string]int{"hostile.txt": 2, "awkward.txt": 3} {
		for _, c := range corpus(f, name, fields) {
			if len(c[2]) <= 200 {
				add(c[2])
			}
		}
	}
}

// FuzzCompile: Compile never panics, an error has a place in the source, and
// what compiles evaluates without a panic over any facts.
func FuzzCompile(f *testing.F) {
	v := trialVocabulary(f, 50, 4<<10)
	seedSources(f, func(source string) { f.Add(source) })
	facts := [][]Value{make([]Value, v.Len()), maximal(v, "a"), maximal(v, "É"), ordinaryFacts(f, v)}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Compile(v, source)
		if err != nil {
			checkPosition(t, source, err)
			return
		}
		if e.Source() != source || e.Cost() < 1 || e.Cost() > CostLimit+1 || len(e.Reads())+len(e.AsksPresence()) == 0 {
			t.Errorf("%q: cost %d, reads %v, asks %v", source, e.Cost(), e.Reads(), e.AsksPresence())
		}
		if nodes := countNodes(e.root); nodes > 4*maxNodes {
			t.Errorf("%q became %d nodes", source, nodes)
		}
		for _, values := range facts {
			if got, why := e.Eval(values); strings.Contains(why, "the rule failed") || (got == IsFault) != (why != "") {
				t.Errorf("%q: %v %q", source, got, why)
			}
		}
	})
}

func ordinaryFacts(t testing.TB, v *Vocabulary) []Value {
	t.Helper()
	facts := make([]Value, v.Len())
	if err := setFacts(v, facts, ordinary); err != nil {
		t.Fatal(err)
	}
	return facts
}

// FuzzEval compares the engine with the oracle, and with expr's machine in its
// domain, over facts that the fuzzer makes.
func FuzzEval(f *testing.F) {
	v := trialVocabulary(f, 50, 4<<10)
	seedSources(f, func(source string) { f.Add(source, "Fix it", []byte("\x01\x02\x80\xff\x00\x10 seed"), uint64(0)) })
	f.Fuzz(func(t *testing.T, source, text string, numbers []byte, states uint64) {
		e, err := Compile(v, source)
		if err != nil || len(text) > 64 || strings.ContainsRune(source, '\r') {
			return // a carriage return within quotes is one line end to expr
		}
		facts := fuzzedFacts(v, text, numbers, states)
		want, n, err := naiveVerdict(v, source, facts)
		if err != nil {
			t.Fatalf("%q: %v", source, err)
		}
		got, why := e.Eval(facts)
		if got != want {
			t.Fatalf("%q = %v %s, want %v\n%s", source, got, why, want, show(v, facts))
		}
		if n.spoilt || n.lossy || n.vacuous {
			return
		}
		m := newMachine(v)
		var program *vm.Program
		if program, err = m.compile(source, true); err != nil {
			t.Fatalf("%q: %v", source, err)
		}
		if out, err := m.run(program, facts); err != nil || out != got {
			t.Fatalf("%q: engine %v, expr's machine %v %v\n%s", source, got, out, err, show(v, facts))
		}
	})
}

// fuzzedFacts spreads the fuzzer's bytes over the facts: two bits of states
// for each, eight bytes of numbers, and the text in pieces.
func fuzzedFacts(v *Vocabulary, text string, numbers []byte, states uint64) []Value {
	facts := make([]Value, v.Len())
	padded := append(append([]byte{}, numbers...), make([]byte, 8)...)
	for i := range facts {
		f, bits := v.Fact(i), binary.LittleEndian.Uint64(padded[i%(len(padded)-7):])
		value := Value{State: [...]State{Present, Unknown, NotApplicable, Faulty}[states>>(2*i)&3]}
		switch {
		case value.State != Present:
		case f.Type == Bool:
			value.Bool = bits&1 == 1
		case f.Type == Int:
			value.Int = int64(bits)
		case f.Type == Float:
			value.Float = math.Float64frombits(bits)
		case f.Type == List && f.Words != nil:
			value.List = f.Words[:bits%4]
		case f.Type == List:
			value.List = strings.Split(text, " ")
		case f.Words != nil:
			value.Text = f.Words[bits%uint64(len(f.Words))]
		default:
			value.Text = text[min(i, len(text)):]
		}
		facts[i] = value
	}
	return facts
}

// typicalRules are what a policy holds, for the benchmarks.
var typicalRules = []string{
	`change.lines > 400`,
	`change.kind == "code" and not change.downtime and touches("db/**", "**/*.sql")`,
	`(change.urgent or history.rate >= 0.05) and change.files <= 20 and level in ["low", "medium"] and any(change.paths, # endsWith ".go")`,
}

func BenchmarkCompile(b *testing.B) {
	v := trialVocabulary(b, 1000, 64<<10)
	m := newMachine(v)
	b.Run("rule", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if _, err := Compile(v, typicalRules[i%len(typicalRules)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("expr", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if _, err := m.compile(typicalRules[i%len(typicalRules)], true); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEval(b *testing.B) {
	v := trialVocabulary(b, 1000, 64<<10)
	facts, m := ordinaryFacts(b, v), newMachine(v)
	env := m.environment(facts)
	for i, source := range typicalRules {
		name := string(rune('1' + i))
		e, err := Compile(v, source)
		if err != nil {
			b.Fatal(err)
		}
		program, err := m.compile(source, true)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("rule-"+name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				e.Eval(facts)
			}
		})
		b.Run("expr-"+name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := m.vm.Run(program, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
