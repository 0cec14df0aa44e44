package rule

import (
	"fmt"
	"path"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

const (
	maxPattern      = 200
	maxInstructions = 500
)

// globSyntax says what a glob may hold, for messages.
const globSyntax = `"*" for part of a name, "**" for any folders, "?" for one character`

// glob is a path pattern. Most are a folder and an end, and are compared; the
// rest are matched name by name.
type glob struct {
	folder string // what a path begins with, with its slash, or ""
	form   globForm
	text   string     // what form says
	names  []namePart // of globPattern
}

type globForm uint8

const (
	globPattern globForm = iota // names
	globExact                   // text, behind the folder
	globBelow                   // anything
	globNamed                   // text, there or in folders below
	globEnding                  // a name that ends in text, there or in folders below
	globWithin                  // something in a folder text, there or below
	globBeside                  // a name that ends in text, there
)

// compileGlob reads a path pattern: "*" and "?" stay within one name, "**" as a
// whole name spans folders. The second result says what is wrong with it.
func compileGlob(pattern string) (*glob, string) {
	if problem := checkGlob(pattern); problem != "" {
		return nil, problem
	}
	folder, rest := "", pattern
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		folder, rest = pattern[:strings.LastIndexByte(pattern[:i], '/')+1], pattern[strings.LastIndexByte(pattern[:i], '/')+1:]
	}
	plain := func(s string) bool { return !strings.ContainsAny(s, "*?") }
	below, spans := strings.CutPrefix(rest, "**/")
	ending, starred := strings.CutPrefix(below, "*")
	within, filled := strings.CutSuffix(below, "/**")
	switch {
	case plain(rest):
		return &glob{folder, globExact, rest, nil}, ""
	case rest == "**":
		return &glob{folder, globBelow, "", nil}, ""
	case spans && plain(below):
		return &glob{folder, globNamed, below, nil}, ""
	case spans && starred && plain(ending) && !strings.Contains(ending, "/"):
		return &glob{folder, globEnding, ending, nil}, ""
	case spans && filled && plain(within):
		return &glob{folder, globWithin, within + "/", nil}, ""
	case !spans && starred && plain(ending) && !strings.Contains(ending, "/"):
		return &glob{folder, globBeside, ending, nil}, ""
	}
	return &glob{names: nameParts(pattern)}, ""
}

// MatchString reports whether a whole path matches.
func (g *glob) MatchString(path string) bool {
	if g.form == globPattern {
		return matchNames(g.names, path)
	}
	rest, ok := strings.CutPrefix(path, g.folder)
	if !ok {
		return false
	}
	switch g.form {
	case globExact:
		return rest == g.text
	case globBelow:
		return rest != ""
	case globNamed:
		before, ok := strings.CutSuffix(rest, g.text)
		return ok && (before == "" || before[len(before)-1] == '/' && len(before) > 1)
	case globEnding:
		before, ok := strings.CutSuffix(rest, g.text)
		return ok && strings.LastIndexByte(before, '/') != 0
	case globWithin:
		if within, ok := strings.CutPrefix(rest, g.text); ok && within != "" {
			return true
		}
		_, within, ok := strings.Cut(rest[min(1, len(rest)):], "/"+g.text)
		return ok && within != ""
	default:
		before, ok := strings.CutSuffix(rest, g.text)
		return ok && !strings.Contains(before, "/")
	}
}

// cost bounds one match, per byte of the path.
func (g *glob) cost() bound {
	if g.form == globPattern {
		return bound{fixed: 1, perByte: 2 * compareByte * namesWork(g.names)}
	}
	return bound{fixed: 1, perByte: 2 * compareByte}
}

// checkGlob says what is wrong with a path pattern, or "".
func checkGlob(glob string) string {
	if glob == "" || strings.HasPrefix(glob, "/") || strings.HasSuffix(glob, "/") {
		return fmt.Sprintf("the path pattern %q must neither be empty nor begin or end with a slash; for all files of a folder write \"folder/**\"", glob)
	}
	if path.Clean(glob) != glob || glob == "." || glob == ".." || strings.HasPrefix(glob, "../") || strings.ContainsFunc(glob, unicode.IsControl) || strings.TrimSpace(glob) != glob {
		return fmt.Sprintf("the path pattern %q matches no path: paths have no \".\", \"..\", empty parts, spaces at their ends or control characters", glob)
	}
	if strings.Contains(glob, `\`) {
		return fmt.Sprintf("the path pattern %q has a backslash, and paths have none; write \"/\" between folders", glob)
	}
	if strings.ContainsAny(glob, `[]{}!`) {
		return fmt.Sprintf("the path pattern %q may hold only %s", glob, globSyntax)
	}
	if len(glob) > maxPattern {
		return fmt.Sprintf("the path pattern is longer than %d bytes", maxPattern)
	}
	for name := range strings.SplitSeq(glob, "/") {
		if name != "**" && strings.Contains(name, "**") {
			return fmt.Sprintf("in the path pattern %q \"**\" must stand alone between slashes, such as \"**/*.sql\" for files in any folder", glob)
		}
	}
	return ""
}

// compilePattern compiles a bounded regular expression (RE2 syntax); the
// second result says what is wrong with it.
func compilePattern(pattern string) (*regexp.Regexp, string) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, "the pattern cannot be read: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	if n := instructions(pattern); n > maxInstructions {
		return nil, fmt.Sprintf("the pattern is too complex: it takes %d instructions, at most %d are allowed", n, maxInstructions)
	}
	return re, ""
}

// instructions counts the instructions of a pattern's program; matching takes
// at most that many for each byte of text.
func instructions(pattern string) int {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return maxInstructions + 1
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return maxInstructions + 1
	}
	return len(program.Inst)
}
