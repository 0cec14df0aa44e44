package policyfile

import "strings"

// Expression reads the text of an expression, as it stands: a block keeps its
// line breaks, so that [Node.Within] can find what a compiler reports. YAML
// cuts an expression without quotes at " #" and, inside { }, at a comma, and
// what remains is often a valid expression that asks for less. Both are
// refused. Whether the text is an expression is for its compiler to say.
func (n *Node) Expression(errs *Errors, what string) string {
	if n.startsWithComment() {
		errs.Addf(n.Pos, "%s has no value, because everything behind # is a comment; put the expression in quotes", what)
		return ""
	}
	if !n.isText(errs, what, "an expression, in quotes if it begins with [ or {") {
		return ""
	}
	if n.Quoted || n.src == nil {
		return n.Text
	}
	end := n.end()
	follows := n.src.skipBlanks(end)
	switch {
	case follows > end && n.src.at(follows) == '#':
		errs.Addf(n.src.pos(follows), "%s is cut off by this #, which begins a comment; put the whole expression in quotes, or the comment on a line of its own", what)
		return ""
	case n.flow && isCut(n.Text):
		errs.Addf(n.src.pos(end), "%s is cut off here, because a comma or bracket ends a value without quotes inside { }; put the whole expression in quotes", what)
		return ""
	}
	return n.Text
}

// startsWithComment tells whether a value is missing because a # stands in its
// place.
func (n *Node) startsWithComment() bool {
	if n == nil || n.reported || n.src == nil || n.Text != "" || !n.isNull() {
		return false
	}
	return n.src.at(n.src.skipBlanks(n.start)) == '#'
}

// isCut tells whether a text ends inside parentheses or inside a string, as an
// expression does when YAML ends it too early.
func isCut(text string) bool {
	open, quote := 0, rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case quote != 0 && quote != '`' && r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case strings.ContainsRune("\"'`", r):
			quote = r
		case r == '(':
			open++
		case r == ')':
			open--
		}
	}
	return open > 0 || quote != 0
}
