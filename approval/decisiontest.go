package approval

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/internal/nearest"
)

// TestReport is what came of the decision tests of a policy.
type TestReport struct {
	Cases    int
	Unread   int            // of them, those that nobody has read yet
	Failures []TestFailure  // by file and line
	Fired    map[string]int // how often each rule counted, over all cases that somebody has read
	Silent   map[string]int // how often it did not
}

// TestFailure is one line of a decision test that does not hold.
type TestFailure struct {
	File    string
	Line    int
	Case    string
	Message string
}

// String is the place and what is wrong, in one line.
func (f TestFailure) String() string {
	if f.Case == "" {
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Case, f.Message)
}

// Unshown lists the rules that no case shows counting, and those that no case
// shows not counting, in file order.
func (p *Policy) Unshown(r TestReport) (neverFired, neverSilent []string) {
	for _, one := range p.rules.Rules() {
		if r.Fired[one.ID] == 0 {
			neverFired = append(neverFired, one.ID)
		}
		if r.Silent[one.ID] == 0 {
			neverSilent = append(neverSilent, one.ID)
		}
	}
	return neverFired, neverSilent
}

// Test runs the decision tests of a policy: the files tests/*.txt of fsys.
//
// A test file is a txtar archive. After any words of introduction come the
// sections "change" (a change as JSON) and "at" (a time as RFC 3339), and then,
// as often as wanted, a section that begins with "when" and says in words what
// is different, holding a JSON merge patch (RFC 7386) to the change, followed
// by a section "then" with one expectation a line:
//
//	-- change --
//	{"id": "CHG-1", "kind": "code", "service": "payments-api", ...}
//	-- at --
//	2026-11-23T10:00:00Z
//	-- when the smoke test failed --
//	{"evidence": [{"name": "smoke", "result": "failed"}]}
//	-- then --
//	type: normal
//	fires: smoke-failed
//	silent: verified
//	needs: 3 of cab
//
// A further "change" or "at" holds for the cases after it.
//
// Expectations are type, level, score, regular, low-risk, template, model,
// freezes, missing (facts), stated (facts that are only stated and wanted
// observed), faults, needs, override (points) and review (when it is due), which
// must hold exactly; fires and silent, which name rules; and why, assumed and
// error, which give a part of a sentence. A section or an expectation of
// another name is a failure, and so are a rule that the policy does not have,
// and a change that is refused where no error is expected: no line is without
// effect.
//
// A case whose heading begins with "unread when" was written by a program and
// read by nobody, so what it expects may be wrong. It is run, and fails, as any
// other, but shows nothing of the policy. Who has read it takes out "unread".
func (p *Policy) Test(fsys fs.FS) (TestReport, error) {
	report := TestReport{Fired: map[string]int{}, Silent: map[string]int{}}
	suite, err := ReadTests(fsys)
	if err != nil {
		return report, err
	}
	report.Cases, report.Failures = suite.count, suite.Failures
	for i := range suite.Cases {
		got, failures := p.Try(&suite.Cases[i])
		report.Failures = append(report.Failures, failures...)
		switch {
		case suite.Cases[i].Unread:
			report.Unread++
		case got.Err == nil:
			p.count(&report, got)
		}
	}
	slices.SortStableFunc(report.Failures, func(a, b TestFailure) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return report, nil
}

// Try runs one case: what becomes of its change, and the lines of it that do not
// hold.
func (p *Policy) Try(c *TestCase) (Classification, []TestFailure) {
	t := &testRun{p: p, file: c.File}
	var got Classification
	if c.Err != nil {
		got = p.Unclassified("", c.At, c.Err)
	} else {
		got = p.Classify(c.Change, Inputs{At: c.At})
	}
	switch {
	case got.Err == nil, strings.Contains("\n"+c.then.text, "\nerror:"):
	case c.Err == nil && !c.timed:
		t.fail(c.Line, c.Name, "the time of the classification is not given; add a section -- at -- with a time such as 2026-11-23T10:00:00Z before this case")
		return got, t.failures
	default:
		t.fail(c.Line, c.Name, "the change is refused, and the case does not expect an error: %v", got.Err)
		return got, t.failures // what it expects of a change that is not refused says no more
	}
	t.expect(got, c.Name, c.then)
	return got, t.failures
}

// testRun runs one case.
type testRun struct {
	p        *Policy
	file     string
	failures []TestFailure
}

func (t *testRun) fail(line int, in, format string, args ...any) {
	t.failures = append(t.failures, TestFailure{t.file, line, in, fmt.Sprintf(format, args...)})
}

// count notes which rules a case shows counting and not counting.
func (p *Policy) count(report *TestReport, c Classification) {
	fired := reasonsOf(c)
	for _, r := range p.rules.Rules() {
		if slices.Contains(fired, r.ID) {
			report.Fired[r.ID]++
		} else {
			report.Silent[r.ID]++
		}
	}
}

// reasonsOf lists what counted; a band without points counts for nothing.
func reasonsOf(c Classification) []string {
	var out []string
	for _, r := range c.Assessment.Reasons {
		out = append(out, r.Rule)
	}
	return out
}

// expect checks each line of a "then".
func (t *testRun) expect(got Classification, in string, then section) {
	lines := 0
	for i, text := range strings.Split(then.text, "\n") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		lines++
		key, want, ok := strings.Cut(text, ":")
		want = strings.TrimSpace(want)
		if !ok || want == "" {
			t.fail(then.line+i, in, "%q is not an expectation such as \"type: standard\"", text)
			continue
		}
		if problem := t.holds(got, key, want); problem != "" {
			t.fail(then.line+i, in, "%s", problem)
		}
	}
	if lines == 0 {
		t.fail(then.line, in, "expects nothing, so it cannot fail")
	}
}

// exact are the expectations that must hold to the letter.
var exact = map[string]func(Classification) string{
	"type":     func(c Classification) string { return c.Type.String() },
	"level":    func(c Classification) string { return c.Assessment.Level.String() },
	"score":    func(c Classification) string { return fmt.Sprint(c.Assessment.Score) },
	"regular":  func(c Classification) string { return yesNo(c.Regular) },
	"low-risk": func(c Classification) string { return yesNo(c.LowRisk) },
	"template": func(c Classification) string { return orNone(c.Template) },
	"model":    func(c Classification) string { return orNone(c.Model) },
	"freezes":  func(c Classification) string { return orNone(strings.Join(c.Freezes, ", ")) },
	"missing":  func(c Classification) string { return orNone(strings.Join(missingFacts(c, false), ", ")) },
	"faults":   func(c Classification) string { return orNone(strings.Join(faultyRules(c), ", ")) },
	"needs":    func(c Classification) string { return who(c.Requirement) },
	"stated":   func(c Classification) string { return orNone(strings.Join(missingFacts(c, true), ", ")) },
	"override": func(c Classification) string { return fmt.Sprint(c.Override) },
	"review":   func(c Classification) string { return orNone(reviewBy(c)) },
}

// expectations is every expectation there is, for the message about others.
var expectations = []string{"type", "level", "score", "regular", "low-risk", "template", "model", "freezes", "missing", "faults", "needs", "stated", "override", "review", "fires", "silent", "why", "assumed", "error"}

// holds checks one expectation; "" when it holds.
func (t *testRun) holds(got Classification, key, want string) string {
	if show, ok := exact[key]; ok {
		if is := show(got); is != want {
			return fmt.Sprintf("%s is %s, expected %s%s", key, is, want, reasonsFor(key, got))
		}
		return ""
	}
	switch key {
	case "fires", "silent":
		return t.rulesHold(got, key, want)
	case "why":
		return contains(key, want, got.Why)
	case "assumed":
		return contains(key, want, got.Assumed)
	case "error":
		if got.Err == nil {
			return "there is no error, expected one with " + want
		}
		return contains(key, want, []string{got.Err.Error()})
	}
	return fmt.Sprintf("the expectation %q is not known%s (there are %s)", key, nearest.Hint(key, expectations), strings.Join(expectations, ", "))
}

// reasonsFor gives the first sentences of how the type came about, where they
// tell why an expectation does not hold.
func reasonsFor(key string, got Classification) string {
	const most = 2
	if len(got.Why) == 0 || !slices.Contains([]string{"type", "regular", "low-risk", "template"}, key) {
		return ""
	}
	more := ""
	if n := len(got.Why) - most; n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	return " (" + strings.Join(got.Why[:min(most, len(got.Why))], "; ") + more + ")"
}

func (t *testRun) rulesHold(got Classification, key, want string) string {
	fired := reasonsOf(got)
	known := []string{"default"}
	for _, r := range t.p.rules.Rules() {
		known = append(known, r.ID)
	}
	for _, g := range t.p.rules.Groups() {
		known = append(known, "group "+g.Name)
	}
	for _, id := range strings.Split(want, ",") {
		id = strings.TrimSpace(id)
		switch did := slices.Contains(fired, id); {
		case !slices.Contains(known, id):
			return fmt.Sprintf("the policy has no rule %q%s", id, nearest.Hint(id, known))
		case did && key == "silent":
			return fmt.Sprintf("the rule %s counts, expected it not to", id)
		case !did && key == "fires":
			return fmt.Sprintf("the rule %s does not count, expected it to (those that do: %s)", id, orNone(strings.Join(fired, ", ")))
		}
	}
	return ""
}

func contains(key, want string, list []string) string {
	if slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, want) }) {
		return ""
	}
	return fmt.Sprintf("%s does not hold %q: %s", key, want, orNone(strings.Join(list, "; ")))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func reviewBy(c Classification) string {
	if c.ReviewBy.IsZero() {
		return ""
	}
	return c.ReviewBy.Format(time.RFC3339)
}

// missingFacts lists what is not there, or what is there and only stated.
func missingFacts(c Classification, stated bool) []string {
	var out []string
	for _, m := range c.Assessment.Unknowns {
		if m.Stated == stated {
			out = append(out, m.Fact)
		}
	}
	return out
}

func faultyRules(c Classification) []string {
	var out []string
	for _, f := range c.Faults {
		out = append(out, f.Rule)
	}
	return out
}
