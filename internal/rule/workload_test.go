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

// The facts of the workload, in their order.
const (
	wService = iota
	wTeam
	wEnvironment
	wKind
	wRegion
	wStage
	wSmoke
	wTitle
	wTier
	wLines
	wFiles
	wAuthors
	wMinutes
	wAge
	wRecent
	wDowntime
	wUrgent
	wExposed
	wRate
	wCoverage
	wRatio
	wPaths
	wLabels
	workloadFacts
)

var workloadNames = [workloadFacts]string{"service.name", "service.team", "target.environment", "change.kind", "target.region", "service.stage", "evidence.smoke",
	"change.title", "service.tier", "change.lines", "change.files", "change.authors", "change.minutes", "service.age", "history.recent",
	"change.downtime", "change.urgent", "service.exposed", "history.rate", "evidence.coverage", "history.ratio", "change.paths", "change.labels"}

func workloadType(i int) Type {
	switch {
	case i <= wTitle:
		return Text
	case i <= wRecent:
		return Int
	case i <= wExposed:
		return Bool
	case i <= wRatio:
		return Float
	}
	return List
}

// workloadWords are how many values each text has; the first two are open.
var workloadWords = [...]int{wService: 500, wTeam: 60, wEnvironment: 5, wKind: 9, wRegion: 10, wStage: 4, wSmoke: 3}

func workloadWord(fact, i int) string {
	return fmt.Sprintf("%s-%d", workloadNames[fact][strings.IndexByte(workloadNames[fact], '.')+1:], i)
}

func workloadVocabulary(t testing.TB) *Vocabulary {
	t.Helper()
	facts := make([]Fact, workloadFacts)
	for i := range facts {
		f := Fact{Name: workloadNames[i], Type: workloadType(i)}
		switch {
		case f.Type == Text:
			f.Bytes = 200
		case f.Type == List:
			f.Items, f.Bytes = 200, 16<<10
		}
		if i >= wEnvironment && i <= wSmoke {
			for k := range workloadWords[i] {
				f.Words = append(f.Words, workloadWord(i, k))
			}
		}
		facts[i] = f
	}
	v, err := NewVocabulary(facts, "change.paths")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// plainTest is one test of a fact, as data; a plainRule is true where one of
// its clauses has only true tests. The hand-written index reads these, and the
// sources say the same.
type plainTest struct {
	fact    int
	sign    string // "==", "in", "<", ">=", "true", "startsWith", "contains", "has"
	negated bool
	words   []string
	whole   int64
	decimal float64
}

type plainRule [][]plainTest

func (p plainTest) source() string {
	name, not := workloadNames[p.fact], ""
	if p.negated {
		not = "not "
	}
	switch p.sign {
	case "==":
		if p.negated {
			return name + " != " + strconv.Quote(p.words[0])
		}
		return name + " == " + strconv.Quote(p.words[0])
	case "in":
		quoted := make([]string, len(p.words))
		for i, w := range p.words {
			quoted[i] = strconv.Quote(w)
		}
		return name + " " + not + "in [" + strings.Join(quoted, ", ") + "]"
	case "true":
		return not + name
	case "has":
		return strconv.Quote(p.words[0]) + " " + not + "in " + name
	case "startsWith":
		return not + "any(" + name + ", # startsWith " + strconv.Quote(p.words[0]) + ")"
	case "contains":
		return name + " " + not + "contains " + strconv.Quote(p.words[0])
	}
	if workloadType(p.fact) == Float {
		text := strconv.FormatFloat(p.decimal, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return name + " " + p.sign + " " + text
	}
	return name + " " + p.sign + " " + strconv.FormatInt(p.whole, 10)
}

func (r plainRule) source() string {
	alternatives := make([]string, len(r))
	for i, clause := range r {
		tests := make([]string, len(clause))
		for k, test := range clause {
			tests[k] = test.source()
		}
		alternatives[i] = strings.Join(tests, " and ")
	}
	return strings.Join(alternatives, " or ")
}

// workload draws rules and changes as organisations have them: most rules begin
// with a service, a team or a kind of change, and services are used as unevenly
// as words.
type workload struct {
	*rand.Rand
	zipf *rand.Zipf
}

func newWorkload(seed uint64) *workload {
	r := rand.New(rand.NewPCG(seed, 5))
	return &workload{r, rand.NewZipf(r, 1.1, 3, 499)}
}

func (w *workload) equality(fact int) plainTest {
	p := plainTest{fact: fact, sign: "==", words: []string{workloadWord(fact, w.IntN(workloadWords[fact]))}}
	if w.IntN(10) < 3 {
		p.sign = "in"
		for range 1 + w.IntN(3) {
			if word := workloadWord(fact, w.IntN(workloadWords[fact])); !slices.Contains(p.words, word) {
				p.words = append(p.words, word)
			}
		}
	}
	return p
}

// threshold is above or under a number that a third of the changes pass, or
// fewer; see workload.fact for how the numbers lie.
func (w *workload) threshold() plainTest {
	fact, passed := wTier+w.IntN(wRatio-wTier+1), 0.02+w.Float64()/3
	p := plainTest{fact: fact, sign: []string{">=", "<", ">", "<="}[w.IntN(4)]}
	if p.sign[0] == '>' {
		passed = 1 - passed
	}
	switch {
	case workloadType(fact) == Bool:
		return plainTest{fact: fact, sign: "true", negated: w.IntN(4) == 0}
	case workloadType(fact) == Float:
		p.decimal = math.Round(passed*200) / 200
	case fact == wTier:
		return plainTest{fact: fact, sign: []string{"<", ">="}[w.IntN(2)], whole: int64(2 + w.IntN(3))}
	default:
		p.whole = int64(math.Exp(passed * 6))
	}
	return p
}

// number is a whole number that leans to the small ones.
func (w *workload) number(fact int) int64 {
	if fact == wTier {
		return int64(1 + w.IntN(4))
	}
	return int64(math.Exp(w.Float64() * 6))
}

func (w *workload) path() string {
	return fmt.Sprintf("%s/%s/%d.go", []string{"db", "src", "docs", "deploy", "pkg", "cmd", "api", "web"}[w.IntN(8)], []string{"migrations", "main", "core", "auth", "pay", "ui"}[w.IntN(6)], w.IntN(40))
}

func (w *workload) list() plainTest {
	switch w.IntN(4) {
	case 0, 1:
		path := w.path()
		if i := strings.LastIndexByte(path, '/'); w.IntN(4) > 0 {
			path = path[:i+1]
		}
		return plainTest{fact: wPaths, sign: "startsWith", words: []string{path}}
	case 2:
		return plainTest{fact: wLabels, sign: "has", words: []string{"label-" + strconv.Itoa(w.IntN(60))}}
	}
	return plainTest{fact: wTitle, sign: "contains", words: []string{"word" + strconv.Itoa(w.IntN(300))}}
}

// any is a test of no great selectivity.
func (w *workload) any() plainTest {
	switch w.IntN(10) {
	case 0, 1, 2, 3:
		return w.equality(wEnvironment + w.IntN(5))
	case 4:
		p := w.equality(wEnvironment + w.IntN(5))
		p.negated = true
		return p
	}
	return w.threshold()
}

func (w *workload) rule() plainRule {
	clause := func(first plainTest, more int) []plainTest {
		tests := []plainTest{first}
		for range more {
			tests = append(tests, w.any())
		}
		return tests
	}
	switch kind := w.IntN(10); {
	case kind < 6:
		fact := []int{wService, wService, wService, wTeam, wTeam, wEnvironment, wKind, wRegion}[w.IntN(8)]
		more := 1 + w.IntN(3)
		if fact >= wEnvironment {
			more++
		}
		return plainRule{clause(w.equality(fact), more)}
	case kind < 8:
		tests := clause(w.threshold(), 0)
		for range 1 + w.IntN(2) {
			tests = append(tests, w.threshold())
		}
		return plainRule{tests}
	case kind < 9:
		return plainRule{clause(w.list(), 1+w.IntN(2))}
	}
	return plainRule{clause(w.equality(w.IntN(2)), 1), clause(w.list(), 1)}
}

func (w *workload) rules(n int) []plainRule {
	out := make([]plainRule, n)
	for i := range out {
		out[i] = w.rule()
	}
	return out
}

// change draws facts; one in a hundred times missing of them is not there.
func (w *workload) change(missing int) []Value {
	facts := make([]Value, workloadFacts)
	for i := range facts {
		facts[i] = w.fact(i)
		if w.IntN(100) < missing {
			facts[i] = Value{State: []State{Unknown, Unknown, Unknown, NotApplicable}[w.IntN(4)]}
		}
	}
	return facts
}

func (w *workload) fact(i int) Value {
	switch {
	case i == wService:
		return TextValue(workloadWord(i, int(w.zipf.Uint64())))
	case i == wTitle:
		words := make([]string, 6)
		for k := range words {
			words[k] = "word" + strconv.Itoa(w.IntN(3000))
		}
		return TextValue(strings.Join(words, " "))
	case i <= wSmoke:
		return TextValue(workloadWord(i, w.IntN(workloadWords[i])))
	case i <= wRecent:
		return IntValue(w.number(i))
	case i <= wExposed:
		return BoolValue(w.IntN(3) == 0)
	case i <= wRatio:
		return FloatValue(float64(w.IntN(1000)) / 1000)
	}
	list := make([]string, 1+w.IntN(6))
	for k := range list {
		list[k] = w.path()
		if i == wLabels {
			list[k] = "label-" + strconv.Itoa(w.IntN(60))
		}
	}
	return ListValue(list)
}

func (w *workload) changes(n, missing int) [][]Value {
	out := make([][]Value, n)
	for i := range out {
		out[i] = w.change(missing)
	}
	return out
}

func compileAll(t testing.TB, v *Vocabulary, sources []string) []Pair {
	t.Helper()
	out := make([]Pair, len(sources))
	for i, source := range sources {
		e, err := Compile(v, source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		out[i].When = e
	}
	return out
}

func sourcesOf(rules []plainRule) []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = r.source()
	}
	return out
}
