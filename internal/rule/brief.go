package rule

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mostBrief is how long a condition can be, in characters, to be shown whole
// within a sentence.
const mostBrief = 100

// Brief is the condition as it is shown within a sentence: where it is long, what
// is innermost in brackets is left out first, and what is still too long ends in
// dots.
func (e *Expr) Brief() string {
	out, depth := elided(e.source, math.MaxInt)
	for ; utf8.RuneCountInString(out) > mostBrief && depth > 0; depth-- {
		out, _ = elided(e.source, depth)
	}
	if runes := []rune(out); len(runes) > mostBrief {
		out = strings.TrimRight(string(runes[:mostBrief-1]), " ,") + "…"
	}
	return out
}

// elided leaves out what is in brackets at that depth, and says how deep they
// go.
func elided(text string, depth int) (out string, deepest int) {
	var b strings.Builder
	open, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			quoted, _ := strconv.QuotedPrefix(text[i:])
			i += max(len(quoted), 1) - 1
		case '(', '[':
			open++
			if deepest = max(deepest, open); open == depth {
				b.WriteString(text[from : i+1])
				from = i + 1
			}
		case ')', ']':
			if open == depth {
				b.WriteString(abridged(text[from:i]))
				from = i
			}
			open--
		}
	}
	return b.String() + text[from:], deepest
}

// abridged is what stands for a part in brackets: dots, after the first text of
// a list, or the part where it is as short.
func abridged(part string) string {
	const short = 12
	if utf8.RuneCountInString(part) <= short {
		return part
	}
	if head, err := strconv.QuotedPrefix(part); err == nil && strings.HasPrefix(part[len(head):], ", ") {
		return head + ", …"
	}
	return "…"
}
