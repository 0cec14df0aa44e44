package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestMutants lists all mutants of small conditions, by hand: what was changed,
// where, and what came of it.
func TestMutants(t *testing.T) {
	v := testVocabulary(t)
	for _, c := range []struct{ source, want string }{
		{`change.lines > 400`, `
1:14 comparison: > to >=: change.lines >= 400
1:14 comparison: > to <: change.lines < 400
1:16 threshold: 400 to 399: change.lines > 399
1:16 threshold: 400 to 401: change.lines > 401`},
		{`history.rate >= 0.05`, `
1:14 comparison: >= to >: history.rate > 0.05
1:14 comparison: >= to <: history.rate < 0.05
1:17 threshold: 0.05 to 0.04: history.rate >= 0.04
1:17 threshold: 0.05 to 0.06: history.rate >= 0.06`},
		{`change.kind in ["code", "config"]`, `
1:13 negated: in to not in: change.kind not in ["code", "config"]
1:17 dropped: "code" to nothing: change.kind in ["config"]
1:17 word: "code" to "data": change.kind in ["data", "config"]
1:25 dropped: "config" to nothing: change.kind in ["code"]
1:25 word: "config" to "data": change.kind in ["code", "data"]`},
		{`change.kind not in ["code"]`, `
1:13 negated: not to nothing: change.kind in ["code"]
1:21 word: "code" to "config": change.kind not in ["config"]`},
		{`not change.downtime and
  (known(evidence.smoke) or touches("a/**", 'b'))`, `
1:1 dropped: not change.downtime to nothing: (known(evidence.smoke) or touches("a/**", 'b'))
1:1 negated: not to nothing: change.downtime and|  (known(evidence.smoke) or touches("a/**", 'b'))
1:21 and/or: and to or: not change.downtime or|  (known(evidence.smoke) or touches("a/**", 'b'))
2:3 dropped: (known(evidence.smoke) or touches("a/**", 'b')) to nothing: not change.downtime
2:4 dropped: known(evidence.smoke) to nothing: not change.downtime and|  (touches("a/**", 'b'))
2:4 negated: known(evidence.smoke) to not known(evidence.smoke): not change.downtime and|  (not known(evidence.smoke) or touches("a/**", 'b'))
2:26 and/or: or to and: not change.downtime and|  (known(evidence.smoke) and touches("a/**", 'b'))
2:29 dropped: touches("a/**", 'b') to nothing: not change.downtime and|  (known(evidence.smoke))
2:29 negated: touches("a/**", 'b') to not touches("a/**", 'b'): not change.downtime and|  (known(evidence.smoke) or not touches("a/**", 'b'))
2:37 dropped: "a/**" to nothing: not change.downtime and|  (known(evidence.smoke) or touches('b'))
2:45 dropped: 'b' to nothing: not change.downtime and|  (known(evidence.smoke) or touches("a/**"))`},
		{`change.downtime and 1 < change.lines < 3 && level == 'low'`, `
1:1 dropped: change.downtime to nothing: 1 < change.lines < 3 && level == 'low'
1:1 negated: change.downtime to not change.downtime: not change.downtime and 1 < change.lines < 3 && level == 'low'
1:17 and/or: and to or: change.downtime or 1 < change.lines < 3 && level == 'low'
1:21 dropped: 1 < change.lines < 3 to nothing: change.downtime && level == 'low'
1:21 threshold: 1 to 0: change.downtime and 0 < change.lines < 3 && level == 'low'
1:21 threshold: 1 to 2: change.downtime and 2 < change.lines < 3 && level == 'low'
1:23 comparison: < to <=: change.downtime and 1 <= change.lines < 3 && level == 'low'
1:23 comparison: < to >: change.downtime and 1 > change.lines < 3 && level == 'low'
1:38 comparison: < to <=: change.downtime and 1 < change.lines <= 3 && level == 'low'
1:38 comparison: < to >: change.downtime and 1 < change.lines > 3 && level == 'low'
1:40 threshold: 3 to 2: change.downtime and 1 < change.lines < 2 && level == 'low'
1:40 threshold: 3 to 4: change.downtime and 1 < change.lines < 4 && level == 'low'
1:42 and/or: && to ||: change.downtime and 1 < change.lines < 3 || level == 'low'
1:45 dropped: level == 'low' to nothing: change.downtime and 1 < change.lines < 3
1:51 comparison: == to !=: change.downtime and 1 < change.lines < 3 && level != 'low'
1:54 word: 'low' to 'high': change.downtime and 1 < change.lines < 3 && level == 'high'`},
		{`any(change.paths, {# startsWith "db/"})`, `
1:1 any/all: any to all: all(change.paths, {# startsWith "db/"})
1:1 negated: any(change.paths, {# startsWith "db/"}) to not any(change.paths, {# startsWith "db/"}): not any(change.paths, {# startsWith "db/"})
1:22 negated: startsWith to not startsWith: any(change.paths, {# not startsWith "db/"})`},
	} {
		var got strings.Builder
		for _, m := range Mutants(v, c.source) {
			is := m.Is
			if is == "" {
				is = "nothing"
			}
			fmt.Fprintf(&got, "\n%d:%d %s: %s to %s: %s", m.Line, m.Column, m.Kind, m.Was, is, strings.ReplaceAll(m.Source, "\n", "|"))
		}
		if got.String() != c.want {
			t.Errorf("the mutants of %s are%s\nexpected%s", c.source, got.String(), c.want)
		}
	}
}

// TestTold: what means the same is found to, and what does not is told apart.
func TestTold(t *testing.T) {
	v := testVocabulary(t)
	for _, c := range []struct {
		a, b string
		want Told
	}{
		{`change.lines > 400`, `change.lines >= 401`, Same},
		{`change.lines > 400`, `change.lines >= 400`, Different},
		{`change.kind == "code"`, `not (change.kind in ["config", "data"])`, Same},
		{`known(change.lines)`, `change.lines > 0`, Different},
		{`change.lines > 4 or change.lines > 5`, `change.lines > 4`, Same},
		{`change.title contains "ab"`, `change.title contains "ab" or change.title contains "abc"`, NotTold},
		{`change.lines > change.files`, `change.files < change.lines`, NotTold},
		{`history.rate > 0.05`, `history.rate > 0.06`, Different},
	} {
		a, err := Compile(v, c.a)
		b, err2 := Compile(v, c.b)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := tell(v, a, b, mostTried); got != c.want {
			t.Errorf("%s and %s: %d, expected %d", c.a, c.b, got, c.want)
		}
	}
}

// TestMutantsOfAnything: mutants of generated conditions compile, differ in
// text, come in the same order each time, and hold the change where they say.
// Those that are said to be the same are so on random facts.
func TestMutantsOfAnything(t *testing.T) {
	v := trialVocabulary(t, 4, 256)
	g := newGenerator(v, 11)
	found, same := 0, 0
	for range 60 {
		e, _ := g.expression(t)
		mutants := Mutants(v, e.Source())
		if again := Mutants(v, e.Source()); !slices.Equal(mutants, again) {
			t.Fatalf("%s has other mutants the second time", e.Source())
		}
		for _, m := range mutants {
			found++
			mutated, err := Compile(v, m.Source)
			if err != nil || m.Source == e.Source() {
				t.Fatalf("%s: %v", m.Source, err)
			}
			lines := strings.Split(e.Source(), "\n")
			if at := string([]rune(strings.Join(lines[m.Line-1:], "\n"))[m.Column-1:]); !strings.HasPrefix(at, m.Was) {
				t.Errorf("%s: %q does not stand at %d:%d", e.Source(), m.Was, m.Line, m.Column)
			}
			if m.Told != Same {
				continue
			}
			same++
			for range 50 {
				if facts := g.values().facts; differ(e, mutated, facts) {
					t.Fatalf("%s and %s are said to be the same, and differ on %s", e.Source(), m.Source, show(v, facts))
				}
			}
		}
	}
	if found < 400 || same == 0 {
		t.Errorf("%d mutants, %d of them the same; expected more", found, same)
	}
}

// TestParts lists the parts of a condition, each where it stands.
func TestParts(t *testing.T) {
	v := testVocabulary(t)
	source := `not (change.lines > 4 or change.kind not in ["code"]) and
any(change.paths, # == "a" or # == "b") && (change.downtime ? true : known(level))`
	var got []string
	for _, p := range Parts(v, source) {
		if _, err := Compile(v, p.Source); err != nil {
			t.Errorf("%s: %v", p.Source, err)
		}
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Source))
	}
	want := []string{`1:6 change.lines > 4`, `1:26 change.kind not in ["code"]`, `2:1 any(change.paths, # == "a" or # == "b")`, `2:44 (change.downtime ? true : known(level))`}
	if !slices.Equal(got, want) {
		t.Errorf("the parts are\n%s", strings.Join(got, "\n"))
	}
}
