package approval_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// lintAtoms are conditions of which changes of a few kinds show all that there is:
// those for the services of the policy of the tests, and those for all else.
var (
	lintAtoms = []string{`change.files > 5`, `change.files < 3`, `change.files >= 0`, `change.kind == "code"`, `service.tier == 1`, `service.tier > 2`,
		`service.kind == "foundational"`, `type == "emergency"`, `level == "high"`}
	ofServices = []string{`service.tier == 1`, `service.tier == 2`, `service.tier > 2`, `service.tier <= 9`, `service.kind == "cots"`,
		`service.exposure == "public"`, `service.exposure == "partner"`, `service.name == "shop"`}
)

// joined are the atoms, their opposites, and some pairs of them.
func joined(atoms []string) []string {
	var one, out []string
	for _, a := range atoms {
		one = append(one, a, "not ("+a+")")
	}
	out = slices.Clone(one)
	for i, a := range one {
		for k, b := range one[:i] {
			if (i+k)%3 == 0 {
				out = append(out, a+[]string{" and ", " or "}[k%2]+b)
			}
		}
	}
	return out
}

// truths are what a condition comes to, for each change to each service of the
// policy, by brute force.
type truths map[risk.Truth]bool

func everywhere(t *testing.T, p *approval.Policy, condition string, extras []risk.Extra) truths {
	t.Helper()
	c, err := p.Rules().Vocabulary().Condition(condition, extras...)
	if err != nil {
		t.Fatal(err)
	}
	out := truths{}
	for _, service := range p.Services() {
		for files := -1; files <= 7; files++ {
			for kind := change.Code; kind <= change.COTSRelease; kind++ {
				one := &change.Change{ID: "CHG-1", Kind: kind, Service: service, Requester: change.Person{ID: "idp|alice"}}
				if files >= 0 {
					one.Size = &change.Size{Files: &files}
				}
				facts, _ := p.Facts(one, approval.Inputs{At: monday})
				if extras == nil {
					truth, _ := c.Decide(facts)
					out[truth] = true
					continue
				}
				for _, kind := range extras[0].Words {
					for _, level := range extras[1].Words {
						truth, _ := c.Decide(facts, kind, level)
						out[truth] = true
					}
				}
			}
		}
	}
	return out
}

// TestLintAgainstBruteForce: an authority rule, and a freeze, is found to be
// never true exactly where no change to a service of the policy makes it true,
// and always true only where none makes it false.
func TestLintAgainstBruteForce(t *testing.T) {
	count := map[string]int{}
	held := func(file, condition, edit string, extras bool) {
		f := files()
		apply(t, f, edit)
		p, err := approval.Load(mapFS(f))
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		var words []risk.Extra
		if extras {
			words = base(t).Extras()
		}
		is := everywhere(t, p, condition, words)
		found, text := "", ""
		for _, one := range p.Lint(monday) {
			if one.File != file || !strings.HasPrefix(one.ID, "more") && one.ID != "authority rule 1" {
				continue
			}
			switch one.Kind {
			case risk.NeverTrue, risk.Contradiction:
				found, text = "never", one.Message
			case risk.AlwaysTrue:
				found, text = "always", one.Message
			}
			if one.Witness != nil {
				count["shown"]++
			}
			if says := strings.Contains(text, "not known"); found == "never" && says != (one.Witness != nil) || says && !is[risk.Undecided] {
				t.Errorf("%s: %s: shown %t, and undecided %t", condition, text, one.Witness != nil, is[risk.Undecided])
			}
		}
		count[found]++
		switch {
		case (found == "never") == is[risk.True]:
			t.Errorf("%s: found %q (%s), by brute force %v", condition, found, text, is)
		case found == "always" && is[risk.False]:
			t.Errorf("%s: it is not always true (%s): %v", condition, text, is)
		}
	}
	for _, c := range joined(lintAtoms) {
		held("authority.yaml", c, authorised("{when: '"+c+"', needs: [{group: security}]}"), true)
	}
	for _, c := range joined(ofServices) {
		held("calendar.yaml", c, frozen("{every: 3 feb, ceiling: none, for: '"+c+"'}"), false)
	}
	if fmt.Sprint(count["never"] >= 25, count["always"] >= 5, count[""] >= 60, count["shown"] >= 8) != "true true true true" {
		t.Errorf("too few of a kind to tell anything: %v", count)
	}
}
