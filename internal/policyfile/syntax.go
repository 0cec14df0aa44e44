package policyfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	quoteIt = "put the value in quotes"

	isAlias  = `YAML reads a value that begins with "*" as a reference to another place, which a policy file may not have; ` + quoteIt
	isAnchor = `YAML reads a value that begins with "&" as the name of an anchor, which a policy file may not have; ` + quoteIt
	isTag    = `YAML reads a value that begins with "!" as a tag, and drops it; ` + quoteIt
	tooDeep  = "lists and mappings are nested too deeply here, more than 32 levels; flatten them"
)

// complaint says in our words what the YAML library complains about. The first
// entry whose context and problem occur in the library's own words is used;
// opening points at the start of the construct instead of its end.
type complaint struct {
	context, problem string
	opening          bool
	words            string
}

// The library's words are those of go.yaml.in/yaml/v4 4.0.0; words that this
// table does not know are shown as they are.
var complaints = []complaint{
	{"", errTooDeep.Error(), false, tooDeep},
	{"", "tab character", false, "a tab stands where YAML wants spaces; use spaces"},
	{"quoted scalar", "end of stream", true, "this quote is never closed; add the closing quote"},
	{"quoted scalar", "document indicator", true, "this quote is not closed before a line of --- or ...; add the closing quote"},
	{"quoted scalar", "hexadecimal", false, `behind \x, \u and \U in double quotes YAML wants 2, 4 and 8 hexadecimal digits; write the backslash twice, or use single quotes`},
	{"quoted scalar", "Unicode", false, "this escape stands for no character; write the character itself"},
	{"block scalar", "", true, `a value that begins with ">" or "|" is a block of text on the lines below it; put an expression that begins so in quotes`},
	{"alias", "", true, isAlias},
	{"", "unknown anchor", false, isAlias},
	{"anchor", "", true, isAnchor},
	{"tag", "", true, isTag},
	{"", "tag handle", false, isTag},
	{"", "block sequence entries", false, `a list item ("- ") must begin a line of its own; put the value in quotes if "- " belongs to it`},
	{"", "mapping keys", false, `a value cannot begin with "? "; ` + quoteIt},
	{"", "expected ':'", true, `this line is neither "name: value" nor part of the value above it; add the missing name or colon, or indent it further`},
	{"", "'-' indicator", false, `this line does not fit the list above it; begin a new item with "- ", and give all lines of one item the same indentation`},
	{"", "comment without preceding", false, "a comment needs a space before its #; " + quoteIt + " if the # belongs to it"},
	{"", "document-end", false, `nothing may follow "..." at the start of a line; remove it, or put the text in quotes`},
	{"", "expected node content", false, `a value or a closing bracket is missing here; put the value in quotes if it begins with "," "]" or "}"`},
	{"", "<document", false, "this line does not fit the ones above it; check its indentation"},
}

// explain turns an error of the YAML library into a fault that its reader can
// mend. Nothing after such an error can be trusted, so it ends the reading.
func (s *source) explain(err error, errs *Errors) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		errs.Addf(s.pos(0), "the file cannot be read as YAML: %s", show(err.Error()))
		return
	}
	at := s.offset(e.Mark.Line, e.Mark.Column)
	if e.Stage == yaml.ResolverStage {
		// Only a tag with a wrong value fails there, and the library does not
		// say where.
		errs.Addf(s.pos(s.find("!!")), "%s", isTag)
		return
	}
	wrong := at
	if strings.Contains(e.Message, "end of stream") || strings.Contains(e.Message, "document indicator") {
		// A quote that is never closed may itself be one that was to close another.
		wrong = s.offset(e.ContextMark.Line, e.ContextMark.Column)
	}
	if open, ok := s.openQuote(wrong); ok {
		line := s.line(open)
		errs.Addf(s.pos(open), "the quote opened in line %d is not closed before line %d, where reading it went wrong; add the closing quote in line %d", line, s.line(wrong), line)
		return
	}
	if words := s.wordsAt(e, at); words != "" {
		errs.Addf(s.pos(at), "%s", words)
		return
	}
	i := slices.IndexFunc(complaints, func(c complaint) bool {
		return strings.Contains(e.ContextMsg, c.context) && strings.Contains(e.Message, c.problem)
	})
	switch {
	case i < 0:
		errs.Addf(s.pos(at), "this is not valid YAML: %s", show(e.Message))
	case complaints[i].opening:
		errs.Addf(s.pos(s.offset(e.ContextMark.Line, e.ContextMark.Column)), "%s", complaints[i].words)
	default:
		errs.Addf(s.pos(at), "%s", complaints[i].words)
	}
}

// openQuote finds the quote that was forgotten when what the library complains
// about is only what follows from it: a text in quotes that reaches from an
// earlier line into the line of the complaint, over lines that look like fields
// or items of their own.
func (s *source) openQuote(at int) (open int, ok bool) {
	line := s.line(at)
	before := string(s.text[:s.lines[line-1]])
	loader, err := yaml.NewLoader(strings.NewReader(before), yaml.WithV4Defaults(), yaml.WithPlugin(limits{}))
	if err != nil {
		return 0, false
	}
	var doc yaml.Node
	var e *yaml.LoadError
	if !errors.As(loader.Load(&doc), &e) || !strings.Contains(e.ContextMsg, "quoted scalar") || !strings.Contains(e.Message, "end of stream") {
		return 0, false
	}
	open = s.offset(e.ContextMark.Line, e.ContextMark.Column)
	for i := s.line(open); i < line; i++ {
		if ownLine.MatchString(string(s.text[s.lines[i]:s.lineEnd(s.lines[i])])) {
			return open, true
		}
	}
	return 0, false
}

// ownLine is what a line looks like that begins a field or an item.
var ownLine = regexp.MustCompile(`^\s*(- |-?\s*[a-zA-Z][a-zA-Z0-9._-]*:(\s|$))`)

// wordsAt explains the complaints whose cause shows only in the text around
// them, or returns "".
func (s *source) wordsAt(e *yaml.LoadError, at int) string {
	problem := e.Message
	switch {
	case strings.Contains(problem, "cannot start any token"):
		return fmt.Sprintf("a value cannot begin with %q; %s", string(s.at(at)), quoteIt)
	case strings.Contains(problem, "unknown escape"):
		return fmt.Sprintf(`\%c means nothing in double quotes; write the backslash twice, or use single quotes`, max(s.at(at+1), ' '))
	case strings.Contains(problem, "mapping values are not allowed"):
		return s.strayColon(at)
	case strings.Contains(problem, "expected key"):
		return s.strayText(at)
	case strings.Contains(problem, "expected node content") && s.before(at) == "" && s.commentAbove(at):
		return "the value above is cut off, because a # after a space begins a comment; put the whole value in quotes, or move the comment"
	case strings.Contains(problem, "expected ',' or"):
		closing := problem[len(problem)-3:]
		return fmt.Sprintf("a comma or %s is missing here, in the brackets that line %d opens; put a value that contains commas, colons, quotes or brackets in quotes", closing, max(e.ContextMark.Line, 1))
	}
	return ""
}

func (s *source) strayColon(at int) string {
	if strings.Contains(s.before(at)+" ", ": ") {
		return `a value without quotes cannot contain ": "; put the whole value in quotes`
	}
	return "this line does not fit the one above it; give both the same indentation, and see that the one above has a space behind its colon"
}

func (s *source) strayText(at int) string {
	before := s.before(at)
	switch {
	case before == "" && s.commentAbove(at):
		return "this line cannot continue the value above, because a comment ended it; put the whole value in quotes, or move the comment"
	case before == "":
		return "this line does not fit the ones above it; check its indentation"
	case strings.ContainsAny(before[len(before)-1:], `"'`):
		return "text follows a closing quote; put the whole value in quotes of the other kind"
	case strings.ContainsAny(before[len(before)-1:], "]}"):
		return "text follows a closing bracket; put the whole value in quotes"
	}
	return "this text does not fit what is before it; put the whole value in quotes"
}

// commentAbove tells whether the nearest line above that is not blank has a
// comment, or what looks like one.
func (s *source) commentAbove(at int) bool {
	for line := s.pos(at).Line - 1; line >= 1; line-- {
		above := s.before(s.lineEnd(s.lines[line-1]))
		if above != "" {
			return strings.HasPrefix(above, "#") || strings.Contains(above, " #")
		}
	}
	return false
}

// find is the offset of the first occurrence of words, or 0.
func (s *source) find(words string) int {
	before, _, found := strings.Cut(string(s.text), words)
	if !found {
		return 0
	}
	return len([]rune(before))
}
