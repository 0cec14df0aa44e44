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

// compileGlob turns a path pattern into a regular expression over a whole
// path: "*" and "?" stay within one name, "**" as a whole name spans folders.
func compileGlob(glob string) (*regexp.Regexp, string) {
	if glob == "" || strings.HasPrefix(glob, "/") || strings.HasSuffix(glob, "/") {
		return nil, fmt.Sprintf("the path pattern %q must neither be empty nor begin or end with a slash; for all files of a folder write \"folder/**\"", glob)
	}
	if path.Clean(glob) != glob || glob == "." || glob == ".." || strings.HasPrefix(glob, "../") || strings.ContainsFunc(glob, unicode.IsControl) || strings.TrimSpace(glob) != glob {
		return nil, fmt.Sprintf("the path pattern %q matches no path: paths have no \".\", \"..\", empty parts, spaces at their ends or control characters", glob)
	}
	if strings.ContainsAny(glob, `[]{}!\`) {
		return nil, fmt.Sprintf("the path pattern %q may hold only %s", glob, globSyntax)
	}
	var b strings.Builder
	b.WriteString(`(?s)^`)
	names := strings.Split(glob, "/")
	for i, name := range names {
		last := i == len(names)-1
		switch {
		case name == "**" && last:
			b.WriteString(`.+`)
		case name == "**":
			b.WriteString(`(?:.+/)?`)
		case strings.Contains(name, "**"):
			return nil, fmt.Sprintf("in the path pattern %q \"**\" must stand alone between slashes", glob)
		default:
			b.WriteString(globName(name))
			if !last {
				b.WriteString("/")
			}
		}
	}
	b.WriteString(`$`)
	return compilePattern(b.String())
}

func globName(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch r {
		case '*':
			b.WriteString(`[^/]*`)
		case '?':
			b.WriteString(`[^/]`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// compilePattern compiles a bounded regular expression (RE2 syntax); the
// second result says what is wrong with it.
func compilePattern(pattern string) (*regexp.Regexp, string) {
	if len(pattern) > 2*maxPattern {
		return nil, fmt.Sprintf("the pattern is longer than %d bytes", maxPattern)
	}
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
