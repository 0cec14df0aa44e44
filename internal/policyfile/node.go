package policyfile

// Kind tells what a [Node] is. The zero Kind is none of them.
type Kind uint8

// The kinds of nodes.
const (
	Scalar   Kind = iota + 1 // one text
	Sequence                 // a list of values
	Mapping                  // values under names
)

// Node is one value of a document. A nil Node is an absent value: all methods
// accept it, read nothing from it and report nothing.
type Node struct {
	// Pos is where the value begins: its opening quote, the | or > of a
	// block, the first character otherwise.
	Pos  Pos
	Kind Kind
	// Text is the text of a Scalar, as written: never converted, only
	// unquoted and, over several lines, folded as YAML does.
	Text string
	// Quoted is true for a Scalar in quotes or in a block (| or >), so that
	// no word in it can mean null or a boolean.
	Quoted bool
	Items  []*Node // of a Sequence, in file order
	Fields []Field // of a Mapping, in file order, no name twice

	src   *source // nil for a node built in Go
	start int     // the offset of Pos in src
	style style
	flow  bool // stands in, or is, a { } or [ ]
	// reported marks a value that was refused already: it reads as absent.
	reported bool
	help     string // see Help
}

// Field is one named value of a mapping. Pos is the place of the name.
type Field struct {
	Name  string
	Pos   Pos
	Value *Node
}

// Help says how the value is written, such as {members: 9}, or what its words
// mean, for the message that it is not written so. It returns n.
func (n *Node) Help(form string) *Node {
	if n != nil {
		n.help = form
	}
	return n
}

// style tells how a scalar is written.
type style uint8

const (
	plain style = iota
	single
	double
	block
)

// Within gives the place in the file of a place inside the scalar's text. Line
// and column count from 1, columns in characters, as an expression compiler
// reports them. The answer is exact for every style, however the text is
// folded or escaped; a place in white space between two words is shown behind
// the first of them where the file breaks the line. Whatever cannot be found
// is shown at the start of the scalar.
func (n *Node) Within(line, column int) Pos {
	if n == nil {
		return Pos{}
	}
	if n.src == nil || n.Kind != Scalar {
		return n.Pos
	}
	text := []rune(n.Text)
	target := textOffset(text, line, column)
	offset := n.first()
	spaces := 0 // of the text since the last glyph
	for i := 0; i < target; i++ {
		if isSpace(text[i]) {
			spaces++
			continue
		}
		spaces = 0
		g := n.src.glyph(n.style, offset)
		if g.char != text[i] {
			return n.Pos
		}
		offset = g.next
	}
	if target < len(text) && !isSpace(text[target]) {
		g := n.src.glyph(n.style, offset)
		if g.char != text[target] {
			return n.Pos
		}
		return n.src.pos(g.at)
	}
	return n.src.pos(min(offset+spaces, n.src.skipBlanks(offset)))
}

// textOffset finds a line and column in a text; behind the end of a line or
// of the text, that end.
func textOffset(text []rune, line, column int) int {
	i := 0
	for ; line > 1 && i < len(text); i++ {
		if text[i] == '\n' {
			line--
		}
	}
	for ; column > 1 && i < len(text) && text[i] != '\n'; i++ {
		column--
	}
	return i
}

// first is the offset at which the text of the scalar may begin.
func (n *Node) first() int {
	switch n.style {
	case single, double:
		return n.start + 1
	case block:
		return min(n.src.lineEnd(n.start)+1, len(n.src.text))
	default:
		return n.start
	}
}

// end is the offset behind the last character of a plain scalar.
func (n *Node) end() int {
	offset := n.first()
	for _, r := range n.Text {
		if !isSpace(r) {
			offset = n.src.glyph(plain, offset).next
		}
	}
	return offset
}

// glyph is a character of a scalar that is not white space. YAML folds, strips
// and indents white space only, so the n-th glyph of a text is the n-th glyph
// of its source, whatever the style: this is how places are found.
type glyph struct {
	char     rune
	at, next int // offsets in the source: of the glyph, and behind it
}

// glyph reads the first glyph at or behind offset; its char is 0 at the end.
func (s *source) glyph(style style, offset int) glyph {
	for offset < len(s.text) {
		r := s.text[offset]
		switch {
		case isSpace(r):
			offset++
		case style == single && r == '\'':
			return glyph{r, offset, offset + 2}
		case style == double && r == '\\':
			char, next := s.escape(offset)
			if !isSpace(char) {
				return glyph{char, offset, next}
			}
			offset = next
		default:
			return glyph{r, offset, offset + 1}
		}
	}
	return glyph{0, offset, offset}
}

// escapes are those of YAML 1.2, section 5.7; x, u and U take digits.
var escapes = map[rune]rune{
	'0': 0, 'a': 7, 'b': 8, 't': '\t', '\t': '\t', 'n': '\n', 'v': 11, 'f': 12, 'r': '\r', 'e': 27,
	' ': ' ', '"': '"', '/': '/', '\\': '\\', 'N': 0x85, '_': 0xA0, 'L': 0x2028, 'P': 0x2029,
	'\n': '\n', '\r': '\n', // an escaped line break is no character at all
}

// escapeDigits counts the hexadecimal digits of the escapes that take some.
var escapeDigits = map[rune]int{'x': 2, 'u': 4, 'U': 8}

// escape reads the escape at offset: what it stands for, and where it ends.
func (s *source) escape(offset int) (char rune, next int) {
	digits := escapeDigits[s.at(offset+1)]
	if digits == 0 {
		return escapes[s.at(offset+1)], offset + 2
	}
	next = min(offset+2+digits, len(s.text))
	for _, r := range s.text[offset+2 : next] {
		char = char<<4 | hexDigit(r)
	}
	return char, next
}

func hexDigit(r rune) rune {
	switch {
	case r >= '0' && r <= '9':
		return r - '0'
	case r >= 'a' && r <= 'f':
		return r - 'a' + 10
	case r >= 'A' && r <= 'F':
		return r - 'A' + 10
	}
	return 0
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
