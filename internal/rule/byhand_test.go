package rule

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
)

// byHand is the index that a programmer would write for the rules of the
// workload: dictionaries, sorted thresholds and typed tests.
type byHand struct {
	clauses []handClause
	first   [workloadFacts]map[string][]int32 // by text, or by element
	sorted  [2][workloadFacts][]handCut       // >= and <, ascending
	lengths [workloadFacts][]int              // of prefixes
	words   []string                          // that titles contain
	always  []int32
	second  [workloadFacts]map[[2]int][]int32 // clauses whose first test is on the fact, by the fact and the sign of another
	pos     [workloadFacts]map[string]int32
	at      [workloadFacts]int32
	missing [workloadFacts]bool
	facts   []Value
	seen    []uint64
	out     []int32
}

type handClause struct {
	rule  int32
	tests []handTest
}

type handTest struct {
	fact    int32
	kind    uint8
	negated bool
	ids     []int32
	number  float64
	word    string
}

type handCut struct {
	number float64
	clause int32
}

const (
	handIs = iota
	handAtLeast
	handUnder
	handTrue
	handMet
)

func (h *byHand) id(fact int, word string) int32 {
	if h.pos[fact] == nil {
		h.pos[fact] = map[string]int32{}
	}
	id, ok := h.pos[fact][word]
	if !ok {
		id = int32(len(h.pos[fact]) + 1)
		h.pos[fact][word] = id
	}
	return id
}

func (h *byHand) test(p plainTest) handTest {
	t := handTest{fact: int32(p.fact), negated: p.negated, number: p.decimal}
	if workloadType(p.fact) == Int {
		t.number = float64(p.whole)
	}
	above := t.number + 1
	if workloadType(p.fact) == Float {
		above = t.number + 1e-9
	}
	switch p.sign {
	case "==", "in":
		for _, w := range p.words {
			t.ids = append(t.ids, h.id(p.fact, w))
		}
	case ">=":
		t.kind = handAtLeast
	case ">":
		t.kind, t.number = handAtLeast, above
	case "<":
		t.kind = handUnder
	case "<=":
		t.kind, t.number = handUnder, above
	case "true":
		t.kind = handTrue
	default:
		t.kind, t.word = handMet, p.words[0]
	}
	return t
}

// handRank is the share of the changes that pass a test, as one knows who knows
// the workload.
func handRank(t handTest) float64 {
	low := t.number
	if t.fact <= wRecent {
		low = math.Log(max(t.number, 1)) / 6
	}
	if t.fact == wTier {
		low = (t.number - 1) / 4
	}
	switch {
	case t.kind == handTrue && t.negated:
		return 0.66
	case t.kind == handTrue:
		return 0.33
	case t.negated:
		return 1
	case t.kind == handIs:
		return float64(len(t.ids)) / float64(workloadWords[t.fact])
	case t.kind == handMet:
		return map[int32]float64{wTitle: 0.002, wLabels: 0.06, wPaths: 0.05}[t.fact]
	case t.kind == handAtLeast:
		return 1 - low
	}
	return low
}

func newByHand(rules []plainRule) *byHand {
	h := &byHand{seen: make([]uint64, (len(rules)+63)/64)}
	for i, r := range rules {
		for _, clause := range r {
			c := handClause{rule: int32(i)}
			for _, p := range clause {
				c.tests = append(c.tests, h.test(p))
			}
			slices.SortStableFunc(c.tests, func(a, b handTest) int { return cmp.Compare(handRank(a), handRank(b)) })
			h.post(c, clause)
		}
	}
	for d := range h.sorted {
		for f := range h.sorted[d] {
			slices.SortStableFunc(h.sorted[d][f], func(a, b handCut) int { return int((a.number - b.number) * 1e9) })
		}
	}
	return h
}

func (h *byHand) post(c handClause, clause []plainTest) {
	n := int32(len(h.clauses))
	h.clauses = append(h.clauses, c)
	first := c.tests[0]
	f := first.fact
	switch {
	case first.negated:
		h.always = append(h.always, n)
		return
	case first.kind == handIs || first.kind == handMet:
		if h.first[f] == nil {
			h.first[f] = map[string][]int32{}
		}
		for _, p := range clause {
			if int32(p.fact) != f || p.negated {
				continue
			}
			for _, w := range p.words {
				if f == wTitle && !slices.Contains(h.words, w) {
					h.words = append(h.words, w)
				}
				if f == wPaths && !slices.Contains(h.lengths[f], len(w)) {
					h.lengths[f] = append(h.lengths[f], len(w))
				}
				h.first[f][w] = append(h.first[f][w], n)
			}
			break
		}
	case first.kind == handTrue:
		h.sorted[0][f] = append(h.sorted[0][f], handCut{1, n})
	case first.kind == handAtLeast:
		h.sorted[0][f] = append(h.sorted[0][f], handCut{first.number, n})
	default:
		h.sorted[1][f] = append(h.sorted[1][f], handCut{first.number, n})
	}
	if h.second[f] == nil {
		h.second[f] = map[[2]int][]int32{}
	}
	key := [2]int{-1}
	for _, t := range c.tests[1:] {
		if t.fact != f && t.kind == handIs && !t.negated && len(t.ids) == 1 {
			key = [2]int{int(t.fact), int(t.ids[0])}
			break
		}
	}
	h.second[f][key] = append(h.second[f][key], n)
}

// truth is 0, 1, or 2 where the fact is missing.
func (h *byHand) truth(t *handTest) int {
	if h.missing[t.fact] {
		return 2
	}
	is, v := false, &h.facts[t.fact]
	switch t.kind {
	case handIs:
		for _, id := range t.ids {
			is = is || id == h.at[t.fact]
		}
	case handAtLeast, handUnder:
		x := v.Float
		if t.fact <= wRecent {
			x = float64(v.Int)
		}
		is = (x < t.number) == (t.kind == handUnder)
	case handTrue:
		is = v.Bool
	default:
		switch t.fact {
		case wTitle:
			is = strings.Contains(v.Text, t.word)
		case wLabels:
			is = slices.Contains(v.List, t.word)
		default:
			for _, e := range v.List {
				is = is || strings.HasPrefix(e, t.word)
			}
		}
	}
	if is != t.negated {
		return 1
	}
	return 0
}

func (h *byHand) try(n int32) {
	c := &h.clauses[n]
	for i := range c.tests {
		if h.truth(&c.tests[i]) == 0 {
			return
		}
	}
	h.seen[c.rule>>6] |= 1 << (c.rule & 63)
}

// decide lists the rules that are true or hang on something missing.
func (h *byHand) decide(facts []Value) []int32 {
	h.facts, h.out = facts, h.out[:0]
	for f := range facts {
		h.missing[f] = facts[f].State != Present
		h.at[f] = 0
		if f < wTitle && !h.missing[f] {
			h.at[f] = h.pos[f][facts[f].Text]
		}
	}
	for _, n := range h.always {
		h.try(n)
	}
	for f := range facts {
		if h.missing[f] {
			for key, list := range h.second[f] {
				if key[0] < 0 || h.missing[key[0]] || h.at[key[0]] == int32(key[1]) {
					for _, n := range list {
						h.try(n)
					}
				}
			}
			continue
		}
		h.tryPresent(f, &facts[f])
	}
	for w, word := range h.seen {
		for i := 0; word != 0; i++ {
			if word&1 != 0 {
				h.out = append(h.out, int32(w<<6|i))
			}
			word >>= 1
		}
		h.seen[w] = 0
	}
	return h.out
}

func (h *byHand) tryPresent(f int, v *Value) {
	switch {
	case f < wTitle:
		for _, n := range h.first[f][v.Text] {
			h.try(n)
		}
		return
	case f == wTitle:
		for _, w := range h.words {
			if strings.Contains(v.Text, w) {
				for _, n := range h.first[f][w] {
					h.try(n)
				}
			}
		}
		return
	case f == wLabels:
		for _, e := range v.List {
			for _, n := range h.first[f][e] {
				h.try(n)
			}
		}
		return
	case f == wPaths:
		for _, e := range v.List {
			for _, length := range h.lengths[f] {
				if length <= len(e) {
					for _, n := range h.first[f][e[:length]] {
						h.try(n)
					}
				}
			}
		}
		return
	}
	x := v.Float
	switch {
	case f <= wRecent:
		x = float64(v.Int)
	case f <= wExposed && v.Bool:
		x = 1
	}
	for _, c := range h.sorted[0][f] {
		if c.number > x {
			break
		}
		h.try(c.clause)
	}
	cuts := h.sorted[1][f]
	for i := len(cuts) - 1; i >= 0 && cuts[i].number > x; i-- {
		h.try(cuts[i].clause)
	}
}

// TestByHand: what the sets are measured against finds what they find.
func TestByHand(t *testing.T) {
	v := workloadVocabulary(t)
	rules := newWorkload(1).rules(1000)
	hand, run := newByHand(rules), NewSet(v, compileAll(t, v, sourcesOf(rules))).NewRun()
	w := newWorkload(2)
	for i := range 300 {
		facts := w.change(i % 2 * 10)
		for k := range facts {
			facts[k].State = min(facts[k].State, Present) // it knows nothing of what is not applicable
		}
		var want []int32
		for _, d := range run.Decide(facts) {
			want = append(want, d.Rule)
		}
		if got := hand.decide(facts); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
