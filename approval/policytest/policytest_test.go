package policytest

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/changelane/changelane/approval"
)

// tiny is a policy whose mutants can be counted on the fingers, and its tests.
var tiny = map[string]string{
	"policy.yaml":    "version: 1\nname: tiny\nevidence: [smoke]\ngroups:\n  cab: {members: 3}\n",
	"services.yaml":  "shop: {team: shop, kind: digital, stage: live, tier: 2, model: [{is: ops-run-it, from: 2024-01-01}]}\n",
	"authority.yaml": "default: [{group: cab, quorum: 2}]\n",
	"risk.yaml": `levels: {low: 0, high: 10}
default: high
rules:
  - {id: big, points: 10, when: change.lines_added > 400, because: it is big}
  - {id: tested, points: 0, when: evidence.smoke == "passed", because: it is tested}
`,
	"tests/tiny.txt": `A change.
-- change --
{"id": "CHG-1", "kind": "code", "service": "shop", "requester": {"id": "idp|alice"}, "evidence": [{"name": "smoke", "result": "passed"}], "size": {"lines_added": 400}}
-- at --
2026-10-13T09:00:00Z
-- when it is just small --
-- then --
level: low
score: 0
fires: tested
-- when it is just big --
{"size": {"lines_added": 401}}
-- then --
level: high
score: 10
`,
}

// with is tiny with other files in place of some.
func with(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for _, one := range []map[string]string{tiny, files} {
		for name, text := range one {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

func read(t *testing.T, files map[string]string) (approval.Definition, approval.TestSuite) {
	t.Helper()
	d, err := approval.ParseDefinition(with(files))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := approval.ReadTests(with(files))
	if err != nil || len(tests.Failures) > 0 {
		t.Fatal(err, tests.Failures)
	}
	return d, tests
}

// TestMutantsOfTiny: all mutants of a policy and what becomes of them, by hand.
func TestMutantsOfTiny(t *testing.T) {
	score, err := Mutate(read(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range score.Mutants {
		got = append(got, m.Fate.String()+" "+m.String())
	}
	want := []string{
		`refused services.yaml:1:70: service shop, model: ops-run-it changed to you-build-it-you-run-it`,
		`survived risk.yaml:1:24: level high: 10 changed to 9`,
		`killed risk.yaml:1:24: level high: 10 changed to 11`,
		`refused risk.yaml:2:10: default level: high changed to low`,
		`killed risk.yaml:4:23: rule big, points: 10 changed to 9`,
		`killed risk.yaml:4:23: rule big, points: 10 changed to 11`,
		`killed risk.yaml:4:23: rule big, points: 10 changed to -10`,
		`killed risk.yaml:4:52: rule big, when: > changed to >=`,
		`killed risk.yaml:4:52: rule big, when: > changed to <`,
		`killed risk.yaml:4:54: rule big, when: 400 changed to 399`,
		`killed risk.yaml:4:54: rule big, when: 400 changed to 401`,
		`killed risk.yaml:5:50: rule tested, when: == changed to !=`,
		`killed risk.yaml:5:53: rule tested, when: "passed" changed to "failed"`,
		`survived authority.yaml:1:32: the default of authority, cab: 2 changed to 1`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the mutants are\n%s", strings.Join(got, "\n"))
	}
	if killed, of := score.Share(); killed != 10 || of != 12 || score.Count(Survived) != 2 {
		t.Errorf("%d of %d are killed, and %d survive", killed, of, score.Count(Survived))
	}
	if !score.Reaches(83) || score.Reaches(84) {
		t.Error("10 of 12 is more than 83 % and less than 84 %, and the loader is no case")
	}
	wantCase := "-- unread when it is just small, looked at closely (the default of authority) --\n-- then --\ntype: normal\nlevel: low\nscore: 0\nneeds: 2 of cab\n"
	if w := score.Mutants[13].Witness; w == nil || w.File != "tests/tiny.txt" || w.Case != wantCase {
		t.Errorf("the witness is %v", w)
	}
	if w := score.Mutants[1].Witness; w != nil {
		t.Errorf("no change has a score of 9, but there is a witness: %v", w)
	}
}

// TestSame: what means the same is not held against the tests.
func TestSame(t *testing.T) {
	d, tests := read(t, map[string]string{"risk.yaml": strings.Replace(tiny["risk.yaml"], "change.lines_added > 400", "change.lines_added > 400 or change.lines_added > 500", 1)})
	score, err := Mutate(d, tests)
	if err != nil {
		t.Fatal(err)
	}
	var same []string
	for _, m := range score.Mutants {
		if m.Fate == Equivalent {
			same = append(same, m.Was+" "+m.Is)
		}
	}
	if want := []string{"change.lines_added > 500 ", "> >=", "500 499", "500 501"}; !slices.Equal(same, want) {
		t.Errorf("%q mean the same", same)
	}
	if _, of := score.Share(); of != len(score.Mutants)-4-score.Count(Refused) {
		t.Errorf("%d of %d mutants count", of, len(score.Mutants))
	}
}

// TestTestsMustHold: where a case fails on the policy itself, all mutants would
// seem killed.
func TestTestsMustHold(t *testing.T) {
	d, tests := read(t, map[string]string{"tests/tiny.txt": strings.Replace(tiny["tests/tiny.txt"], "score: 10", "score: 11", 1)})
	if _, err := Mutate(d, tests); err == nil || !strings.Contains(err.Error(), "tests/tiny.txt:15: it is just big: score is 10, expected 11") {
		t.Error(err)
	}
}

// command is the policy of the tests of the command, which has a template, a
// freeze and seats.
func command(t *testing.T) (approval.Definition, approval.TestSuite) {
	t.Helper()
	fsys := os.DirFS("../../examples/changelane/testdata/policy")
	d, err := approval.ParseDefinition(fsys)
	tests, err2 := approval.ReadTests(fsys)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return d, tests
}

// TestFates holds what is said of every mutant against a run of all cases on
// it, without any short cut.
func TestFates(t *testing.T) {
	for i, c := range []struct {
		fsys              fs.FS
		witnesses, killed int
	}{
		{os.DirFS("../../examples/changelane/testdata/policy"), 20, 15},
		{with(aboutServices), 20, 8},
	} {
		d, err := approval.ParseDefinition(c.fsys)
		tests, err2 := approval.ReadTests(c.fsys)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		score, err := Mutate(d, tests)
		if err != nil {
			t.Fatal(err)
		}
		if witnesses := checkFates(t, c.fsys, d, tests, score); witnesses < c.witnesses || score.Count(Killed) < c.killed {
			t.Errorf("%d witnesses and %d killed; expected more", witnesses, score.Count(Killed))
		}
		if i > 0 {
			continue // once is enough to see that it is the same each time
		}
		again, err := Mutate(d, tests)
		if err != nil || fmt.Sprint(fates(again)) != fmt.Sprint(fates(score)) {
			t.Error("the second time it is another score", err)
		}
	}
}

func checkFates(t *testing.T, fsys fs.FS, d approval.Definition, tests approval.TestSuite, score Score) (witnesses int) {
	t.Helper()
	p := policy(t, d)
	variants := p.Variants()
	for _, m := range score.Mutants {
		mutated := d
		m.apply(&mutated)
		mutant, err := approval.New(mutated)
		if (err != nil) != (m.Fate == Refused) {
			t.Errorf("%v: %v: %v", m.Fate, m, err)
		}
		quick, quickErr := variants.New(mutated)
		if fmt.Sprint(err) != fmt.Sprint(quickErr) {
			t.Errorf("%v: %v, and as a variant %v", m, err, quickErr)
		}
		if err != nil {
			continue
		}
		if mutant.Digest() == p.Digest() || mutant.Digest() != quick.Digest() {
			t.Errorf("%v is the policy itself, or made twice it differs", m)
		}
		failures := 0
		for i := range tests.Cases {
			_, found := mutant.Try(&tests.Cases[i])
			failures += len(found)
		}
		if (failures > 0) != (m.Fate == Killed) {
			t.Errorf("%v: %v: %d failures", m.Fate, m, failures)
		}
		if m.Witness != nil {
			witnesses++
			checkWitness(t, fsys, p, mutant, m)
		}
	}
	return witnesses
}

func fates(s Score) (out []string) {
	for _, m := range s.Mutants {
		out = append(out, fmt.Sprint(m.Fate, m.Why, m, m.Witness))
	}
	return out
}

// checkWitness puts a witness into the file that it names: the case holds for
// the policy and fails on the mutant.
func checkWitness(t *testing.T, fsys fs.FS, policy, mutant *approval.Policy, m Mutant) {
	t.Helper()
	text, err := fs.ReadFile(fsys, m.Witness.File)
	if err != nil {
		t.Fatal(err)
	}
	with := approval.ParseTests(m.Witness.File, append(text, m.Witness.Case...))
	last := &with.Cases[len(with.Cases)-1]
	_, failures := policy.Try(last)
	_, wanted := mutant.Try(last)
	if len(with.Failures) > 0 || len(failures) > 0 || len(wanted) == 0 {
		t.Errorf("%v: %v %v, %d on the mutant:\n%s", m, with.Failures, failures, len(wanted), m.Witness.Case)
	}
}

// TestCover: what the cases of the tiny policy show, by hand.
func TestCover(t *testing.T) {
	c, err := Cover(read(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Points {
		got = append(got, fmt.Sprintf("%v %s: %d %d %d", p.Place, p.What, p.Yes, p.No, p.Open))
	}
	want := []string{
		"risk.yaml:1:15 the level low: 1 1 0",
		"risk.yaml:1:24 the level high: 1 1 0",
		"risk.yaml:2:10 the default: 0 2 0",
		"risk.yaml:4:5 the rule big: 1 1 0",
		"risk.yaml:4:33 the rule big, when: 1 1 0",
		"risk.yaml:5:5 the rule tested: 2 0 0",
		"risk.yaml:5:35 the rule tested, when: 2 0 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the points are\n%s", strings.Join(got, "\n"))
	}
	if files := c.Files(); !slices.Equal(files, []Share{{"risk.yaml", 11, 14}, {"", 11, 14}}) {
		t.Errorf("the shares are %v", files)
	}
	if text := c.Points[2].Unshown(); text != "risk.yaml:2:10: no case shows the default counting" {
		t.Error(text)
	}
}

// TestCoverParts: each part of a condition has its own line, and what is not
// known shows neither way.
func TestCoverParts(t *testing.T) {
	c, err := Cover(read(t, map[string]string{"risk.yaml": strings.Replace(tiny["risk.yaml"], "change.lines_added > 400", "change.lines_added > 400 and not change.downtime", 1)}))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, p := range c.Points[4:7] {
		got = append(got, fmt.Sprintf("%v %s: %d %d %d", p.Place, p.What, p.Yes, p.No, p.Open))
	}
	want := []string{
		"risk.yaml:4:33 the rule big, when: 0 1 1",
		"risk.yaml:4:33 the rule big, when: change.lines_added > 400: 1 1 0",
		"risk.yaml:4:66 the rule big, when: change.downtime: 0 0 2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the parts are\n%s", strings.Join(got, "\n"))
	}
	if text := c.Points[6].Unshown(); text != "risk.yaml:4:66: no case shows the rule big, when: change.downtime true, nor false" {
		t.Error(text)
	}
}

// TestThresholds: the cases that are written hold, differ from one another, and
// lie on both sides of each number.
func TestThresholds(t *testing.T) {
	d, tests := read(t, nil)
	text, left, err := Thresholds(d, tests)
	if err != nil || len(left) > 0 {
		t.Fatal(err, left)
	}
	_, cases, _ := strings.Cut(string(text), "Z\n")
	want := `
-- unread when rule big: change.lines_added is 400 --
-- then --
type: normal
level: low
score: 0
low-risk: yes
silent: big

-- unread when rule big: change.lines_added is 401 --
{"size":{"lines_added":401}}
-- then --
type: normal
level: high
score: 10
low-risk: no
fires: big
`
	if cases != want {
		t.Errorf("the cases are\n%s", cases)
	}
	checkThresholds(t, d, tests, 2)
	d, tests = command(t)
	checkThresholds(t, d, tests, 6)
}

func checkThresholds(t *testing.T, d approval.Definition, tests approval.TestSuite, n int) {
	t.Helper()
	p, err := approval.New(d)
	text, _, err2 := Thresholds(d, tests)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	suite := approval.ParseTests("tests/generated.txt", text)
	if len(suite.Failures) > 0 || len(suite.Cases) != n {
		t.Fatalf("%d cases, %v; expected %d:\n%s", len(suite.Cases), suite.Failures, n, text)
	}
	for i := range suite.Cases {
		got, failures := p.Try(&suite.Cases[i])
		for _, f := range failures {
			t.Error(f)
		}
		if i%2 == 0 { // the other side of the same number follows
			if other, _ := p.Try(&suite.Cases[i+1]); len(telling(got, other)) == 0 {
				t.Errorf("%s and %s are the same", suite.Cases[i].Name, suite.Cases[i+1].Name)
			}
		}
	}
}

// TestUnknownKills: a case in which a fact is not known can be the only one that
// notices.
func TestUnknownKills(t *testing.T) {
	d, tests := read(t, map[string]string{
		"risk.yaml":      strings.Replace(tiny["risk.yaml"], "change.lines_added > 400", "known(change.lines_added) and change.lines_added > 400", 1),
		"tests/tiny.txt": tiny["tests/tiny.txt"] + "-- when nobody says how many lines --\n{\"size\": null}\n-- then --\nlevel: low\n",
	})
	score, err := Mutate(d, tests)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(score.Mutants, func(m Mutant) bool { return m.Was == "known(change.lines_added)" && m.Is == "" })
	if m := score.Mutants[i]; m.Fate != Killed || m.Why != "tests/tiny.txt: nobody says how many lines" {
		t.Errorf("%v: %v: %s", m.Fate, m, m.Why)
	}
}

// TestWithoutCases: a policy without tests has a score too, and it is nothing.
func TestWithoutCases(t *testing.T) {
	d, _ := read(t, nil)
	score, err := Mutate(d, approval.TestSuite{})
	if err != nil {
		t.Fatal(err)
	}
	if killed, of := score.Share(); killed != 0 || of != 12 || score.Reaches(1) {
		t.Errorf("%d of %d are killed without a case", killed, of)
	}
	if _, left, err := Thresholds(d, approval.TestSuite{}); err != nil || len(left) != 1 {
		t.Errorf("%v are left without a case: %v", left, err)
	}
	if got := Fate(9).String(); got != "Fate(9)" {
		t.Errorf("no fate is called %q", got)
	}
}

// TestUnread: what a program has written is run, but shows nothing and kills
// nothing until somebody has read it.
func TestUnread(t *testing.T) {
	d, tests := read(t, nil)
	file, _, err := Thresholds(d, tests)
	if err != nil {
		t.Fatal(err)
	}
	few := strings.Replace(tiny["tests/tiny.txt"], `"lines_added": 400`, `"lines_added": 4`, 1)
	few = strings.Replace(few, `"lines_added": 401`, `"lines_added": 999`, 1)
	for _, unread := range []bool{true, false} {
		text := string(file)
		if !unread {
			text = strings.ReplaceAll(text, "-- unread when", "-- when")
		}
		d, tests := read(t, map[string]string{"tests/tiny.txt": few, "tests/written.txt": text})
		score, err := Mutate(d, tests)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(score.Mutants, func(m Mutant) bool { return m.Is == "401" })
		m, fate := score.Mutants[i], Survived
		if !unread {
			fate = Killed
		}
		if m.Fate != fate || m.Witness != nil || m.Why != "tests/written.txt: rule big: change.lines_added is 401" {
			t.Errorf("unread is %v, and the mutant %v %v: %s, %v", unread, m, m.Fate, m.Why, m.Witness)
		}
		if got := len(tests.Cases); got != 4 {
			t.Errorf("%d cases are run", got)
		}
		_, alone := read(t, map[string]string{"tests/tiny.txt": few})
		first, _, err := Thresholds(d, alone)
		again, _, err2 := Thresholds(d, tests)
		if err != nil || err2 != nil || unread && string(again) != string(first) {
			t.Errorf("what is unread is the base of other cases: %s, %v, %v", again, err, err2)
		}
		coverage, err := Cover(d, tests)
		if err != nil {
			t.Fatal(err)
		}
		if p, want := coverage.Points[3], map[bool]int{true: 2, false: 4}[unread]; p.Yes+p.No != want {
			t.Errorf("%s is shown by %d cases, expected %d", p.What, p.Yes+p.No, want)
		}
	}
	wrong := strings.Replace(string(file), "score: 10", "score: 11", 1)
	if _, tests := read(t, map[string]string{"tests/written.txt": wrong}); len(tests.Cases) != 4 {
		t.Error("an unread case is not run")
	} else if _, err := Mutate(d, tests); err == nil || !strings.Contains(err.Error(), "score is 10, expected 11") {
		t.Errorf("an unread case that does not hold is taken: %v", err)
	}
}
