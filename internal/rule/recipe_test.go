package rule

import (
	"math"
	"strings"
	"testing"
)

// recipe is the guard that the design asks for (INVARIANTS, section 3), line by
// line: sources that must be refused, with a part of the message, and sources
// that must have a verdict over the numbers that stand behind them.
var recipe = []struct {
	line    string
	refused map[string]string
	decided []recipeCase
}{
	{line: "bytes <= 4,096", refused: map[string]string{
		"exposed" + strings.Repeat(" ", 4090): "at most 4096 are allowed", strings.Repeat("(", 500<<10): "at most 4096", "": "empty",
	}},
	{line: "valid UTF-8, no control, bidi or zero-width characters", refused: map[string]string{
		"change.title == \"\xff\"": "not valid UTF-8", "exposed\x00": "invisible", "exposed \u202e": "invisible", "ex\u200bposed": "invisible",
		"exposed \u2066": "invisible", "exposed \ufeff": "invisible", "exposed \u00ad": "invisible", "exposed \x7f": "invisible", "exposed\u2028": "invisible",
	}},
	{line: "string-aware bracket and prefix depth <= 32 before the parser", refused: map[string]string{
		strings.Repeat("(", 33) + "exposed" + strings.Repeat(")", 33): "more than 32 levels", strings.Repeat("!", 33) + "exposed": "more than 32 levels",
		strings.Repeat("-", 33) + "change.lines > 1": "more than 32 levels", strings.Repeat("not ", 33) + "exposed": "more than 32 levels",
		strings.Repeat("exposed ? exposed : ", 20) + strings.Repeat("(", 4000): "at most 4096", strings.Repeat("[", 33): "more than 32 levels",
		strings.Repeat("{", 33): "more than 32 levels", "any(change.paths, " + strings.Repeat("(", 32) + "#": "more than 32 levels",
	}, decided: []recipeCase{{source: `change.title == "` + strings.Repeat("(", 40) + `"`, want: IsUnknown}}},
	{line: "MaxNodes 300", refused: map[string]string{strings.Repeat("exposed or ", 200) + "exposed": "more than 300 parts", strings.Repeat("1 + ", 200) + "change.lines > 1": "more than 300 parts"}},
	{line: "allow-list of kinds of nodes, operators and builtins", refused: map[string]string{
		"let x = 1; x == change.lines": `"let" is not part`, "exposed; exposed": `";" is not part`, "change.lines in 1..3": `".." is not part`, "change.lines ** 2 > 1": `"**" is not part`,
		"change.lines ^ 2 > 1": `"^" is not part`, "change.title | lower() == \"\"": `"|" is not part`, "change.title[1:2] == \"\"": "named by a dot", "change.paths[0] == \"\"": "named by a dot",
		"change.title() == 1": "no methods", "foo()": "foo() is not part", "$env.exposed": "no fact is named", "change.lines in [[1]]": "a list outside of", "change.title ?? \"\" == \"\"": `"??" is not part`,
		"change?.lines > 1": `"?." is not part`, "change.lines == nil": "no fact is ever null", "{\"a\": 1} == change.lines": "a map", "any(change.paths, #index > 1)": "#index", "reduce(change.paths, #acc + #, \"\") == \"\"": "reduce() is not part",
		"sum([1, 2]) > change.lines": "sum() is not part", "repeat(change.title, 2) == \"\"": "repeat() is not part", "now() > change.lines": "now() is not part", "exposed // no": "comments", "exposed /* no */": "comments", "b\"a\" == change.title": "byte strings",
	}},
	{line: "loops nested <= 2", refused: map[string]string{
		`any(change.tags, any(change.tags, any(change.tags, # == "red")))`: "2 deep at most", `any(change.tags, count(change.tags, all(change.tags, # == "red")) > 1)`: "2 deep at most",
	}, decided: []recipeCase{{source: `any(change.tags, any(change.tags, # == "red"))`, want: IsUnknown}}},
	{line: "matches only with a literal, <= 200 bytes, <= 500 instructions", refused: map[string]string{
		"change.title matches change.note": "a pattern in quotes", `change.title matches "a" + "b"`: "a pattern in quotes", "change.title matches \"" + strings.Repeat("a", 201) + "\"": "longer than 200",
		`change.title matches "(a{50}){20}"`: "too complex", `change.title matches "((a{30}){30}){30}"`: "cannot be read", `change.title matches "(?<"`: "cannot be read", `change.title matches "(a)\\1"`: "cannot be read",
	}},
	{line: "checked + - * / % abs and unary minus", decided: []recipeCase{
		{"change.lines + change.files > 0", math.MaxInt64, 1, 0, IsFault}, {"change.lines - change.files < 0", math.MinInt64, 1, 0, IsFault}, {"0 - change.lines > 0", math.MinInt64, 1, 0, IsFault},
		{"change.lines * change.files > 0", math.MinInt64, -1, 0, IsFault}, {"change.lines * change.files > 0", math.MaxInt64, 2, 0, IsFault}, {"change.lines / change.files > 0", math.MinInt64, -1, 0, IsFault},
		{"change.lines / change.files > 0", 1, 0, 0, IsFault}, {"change.lines % change.files == 0", 1, 0, 0, IsFault}, {"change.lines % change.files == 0", math.MinInt64, -1, 0, IsTrue},
		{"-change.lines > 0", math.MinInt64, 1, 0, IsFault}, {"abs(change.lines) > 0", math.MinInt64, 1, 0, IsFault}, {"-abs(change.lines) < 0", math.MinInt64, 1, 0, IsFault},
		{"max(change.lines, change.files) == 1", math.MinInt64, 1, 0, IsTrue}, {"min(change.lines, change.files) < 0", math.MinInt64, 1, 0, IsTrue}, {"-min(change.lines, change.files) > 0", math.MinInt64, 1, 0, IsFault},
		{"change.outage_minutes * change.lines > 3", 0, 0, 0, IsUnknown}, {"count(change.paths, # == \"\") + change.lines > 0", math.MaxInt64, 0, 0, IsUnknown},
	}, refused: map[string]string{"change.lines / 0 > 1": "always fails", "change.lines % 0 > 1": "always fails", "change.lines > 99999999999999999999": "too long", "change.lines > 1e3": "plain digits", "change.lines > 010": "leading zero",
		"change.lines / hours(0) > 1": "no unit", "change.outage_minutes / hours(0) > 1": "always fails"}},
	{line: "no NaN, no infinity, no lossy step", decided: []recipeCase{
		{"history.rate > 0", 0, 0, math.NaN(), IsFault}, {"history.rate <= 0", 0, 0, math.NaN(), IsFault}, {"history.rate != 0", 0, 0, math.NaN(), IsFault}, {"history.rate > 0", 0, 0, math.Inf(1), IsFault},
		{"abs(history.rate) > 0", 0, 0, math.Inf(-1), IsFault}, {"-history.rate > 0", 0, 0, math.NaN(), IsFault}, {"max(history.rate, 1.0) > 0", 0, 0, math.NaN(), IsFault}, {"min(1.0, history.rate) > 0", 0, 0, math.NaN(), IsFault},
		{"history.rate * history.rate > 0", 0, 0, 1e200, IsFault}, {"history.rate + history.rate > 0", 0, 0, math.MaxFloat64, IsFault}, {"-history.rate - history.rate < 0", 0, 0, math.MaxFloat64, IsFault}, {"1 / history.rate > 0", 0, 0, 1e-310, IsFault},
		{"1 / history.rate > 0", 0, 0, 0, IsFault}, {"change.lines + history.rate > 0", 1<<53 + 1, 0, 1, IsFault}, {"change.lines > history.rate", 1<<53 + 1, 0, 1 << 53, IsTrue}, {"known(history.rate)", 0, 0, math.NaN(), IsFault},
	}},
	{line: "bounded joining of texts", refused: map[string]string{
		strings.Repeat("change.title + ", 64) + "change.note == \"\"": "longer than", `any(change.paths, # + "a" == "")`: "cannot be joined",
	}},
	{line: "typed equality", refused: map[string]string{
		"change.lines == \"1\"": "cannot be compared", "exposed == 1": "cannot be compared", "change.paths == change.paths": "cannot be compared", "change.title == exposed": "cannot be compared", "change.title < 3": "cannot be compared",
		"change.tags == \"red\"": "cannot be compared", "change.lines in [\"1\"]": "plain values of the type", "change.lines in [1.5]": "plain values of the type", "change.kind == \"kode\"": "none of the values", "change.lead_hours == kib(1)": "which is in hours",
	}},
	{line: "statically true or false", refused: map[string]string{
		"change.lines": "a condition that is true or false", "change.title": "a condition that is true or false", "change.paths": "a condition that is true or false", "exposed ? 1 : 2": "a condition that is true or false", "hours(1)": "a condition that is true or false",
		"exposed and change.lines": "joins conditions", "any(change.paths, #)": "a condition that is true or false", "true": "always the same", "1 < 2": "always the same",
	}},
	{line: "cost = sum of nodes x list bounds at load, by the length of the text for a pattern", refused: map[string]string{
		`any(change.paths, any(change.paths, # == ""))`: "could cost", `any(change.paths, # matches "(a?){60}c")`: "could cost", `touches("*` + strings.Repeat("a", 150) + `*b", "*` + strings.Repeat("a", 150) + `*c")`: "could cost", `any(change.paths, # in change.paths)`: "could cost",
	}},
}

// recipeCase is a source with change.lines, change.files and history.rate.
type recipeCase struct {
	source       string
	lines, files int64
	rate         float64
	want         Verdict
}

func TestGuardRecipe(t *testing.T) {
	v := trialVocabulary(t, 1000, 128<<10)
	at := func(name string) int { i, _ := v.Lookup(name); return i }
	for _, r := range recipe {
		if len(r.refused)+len(r.decided) == 0 {
			t.Errorf("%s: nothing shows it", r.line)
		}
		for source, want := range r.refused {
			if e, err := Compile(v, source); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %.100q: %v %v; want %q", r.line, source, e, err, want)
			}
		}
		for _, c := range r.decided {
			e, err := Compile(v, c.source)
			if err != nil {
				t.Errorf("%s: %s: %v", r.line, c.source, err)
				continue
			}
			facts := make([]Value, v.Len())
			facts[at("change.lines")], facts[at("change.files")], facts[at("history.rate")] = IntValue(c.lines), IntValue(c.files), FloatValue(c.rate)
			if got, why := e.Eval(facts); got != c.want || (got == IsFault) != (why != "") {
				t.Errorf("%s: %s over %d, %d, %v = %v %q, want %v", r.line, c.source, c.lines, c.files, c.rate, got, why, c.want)
			}
		}
	}
}

// TestGuardRecipeRecovers: a panic within the compiler or a condition is a
// fault, and ends there.
func TestGuardRecipeRecovers(t *testing.T) {
	if e, err := Compile(nil, "exposed"); e != nil || err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("without a vocabulary: %v", err)
	}
	e, err := Compile(trialVocabulary(t, 8, 256), "change.lines > 1 and exposed")
	if err != nil {
		t.Fatal(err)
	}
	if got, why := e.Eval(nil); got != IsFault || !strings.Contains(why, "the rule failed") {
		t.Errorf("without facts: %v %q", got, why)
	}
}

// TestGuardRecipeCharges: a pattern costs by the length of what it looks at, and
// by its own.
func TestGuardRecipeCharges(t *testing.T) {
	cost := func(source string, items, bytes int) int {
		e, err := Compile(trialVocabulary(t, items, bytes), source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		return e.Cost()
	}
	const short, long = `any(change.paths, # matches "a+b")`, `any(change.paths, # matches "a+b(c|d)+e(f|g)+h")`
	if once, tenfold := cost(short, 10, 1000), cost(short, 10, 10_000); tenfold < 9*once {
		t.Errorf("texts of ten times the length cost %d instead of %d", tenfold, once)
	}
	if a, b := cost(short, 10, 1000), cost(long, 10, 1000); b < 2*a {
		t.Errorf("a pattern of three times the instructions costs %d instead of %d", b, a)
	}
	if few, many := cost(`any(change.paths, # == "")`, 10, 10), cost(`any(change.paths, # == "")`, 1000, 10); many < 50*few {
		t.Errorf("a hundred times the elements cost %d instead of %d", many, few)
	}
}
