package rule

import (
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestGlobAsForeignMatchers: path patterns match what Go's own matcher, and a
// regular expression, say: names with several stars, and folders between names.
func TestGlobAsForeignMatchers(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 9))
	draw := func(alphabet string, most int) string {
		out := ""
		for range 1 + random.IntN(most) {
			out += string([]rune(alphabet)[random.IntN(len([]rune(alphabet)))])
		}
		return out
	}
	matched := 0
	for range 60_000 {
		names := make([]string, 1+random.IntN(5))
		for i := range names {
			if names[i] = strings.ReplaceAll(draw("aab*?é", 6), "**", "*"); random.IntN(3) == 0 {
				names[i] = "**"
			}
		}
		pattern := strings.Join(names, "/")
		g, problem := compileGlob(pattern)
		if problem != "" {
			continue
		}
		parts := make([]string, 1+random.IntN(6))
		for i := range parts {
			parts[i] = draw("aaabé", 6)
		}
		at := strings.Join(parts, "/")
		want := regexp.MustCompile(globRegexp(pattern)).MatchString(at)
		if byGo, err := path.Match(pattern, at); err != nil || !strings.Contains(pattern, "**") && byGo != want {
			t.Fatalf("%q on %q: %v by package path, %v by a regular expression", pattern, at, byGo, want)
		}
		if got := g.MatchString(at); got != want {
			t.Fatalf("%q on %q: %v, want %v", pattern, at, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 2_000 {
		t.Errorf("only %d matched", matched)
	}
}

func globRegexp(pattern string) string {
	names := strings.Split(pattern, "/")
	for i, name := range names {
		last := i == len(names)-1
		switch {
		case name == "**" && last:
			names[i] = ".+"
		case name == "**":
			names[i] = "(?:.+/)?"
		default:
			names[i] = strings.NewReplacer(`\*`, "[^/]*", `\?`, "[^/]").Replace(regexp.QuoteMeta(name))
			if !last {
				names[i] += "/"
			}
		}
	}
	return "(?s)^" + strings.Join(names, "") + "$"
}

// TestGlobsOfARepository: a policy names the folders of many applications by
// patterns, one rule after the other.
func TestGlobsOfARepository(t *testing.T) {
	v := trialVocabulary(t, 1000, 128<<10)
	var patterns []string
	for i := range 60 {
		patterns = append(patterns, fmt.Sprintf(`"apps/*/m%d/*.sql"`, i))
	}
	if _, err := Compile(v, "touches("+strings.Join(patterns, ", ")+")"); err != nil {
		t.Error(err)
	}
	e, err := Compile(v, `touches("services/*/db/**/*.sql", "libs/*-auth/**", "**/*_test?/*.go")`)
	if err != nil {
		t.Fatal(err)
	}
	if e.Cost() > CostLimit/4 {
		t.Errorf("three patterns cost %d", e.Cost())
	}
}
