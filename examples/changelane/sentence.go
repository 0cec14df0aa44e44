package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
)

// The longest sentence, and the longest place in it, in characters (INV-40).
const (
	maxSentence = 600
	maxPointer  = 120
)

// say writes one sentence as one line.
func say(w io.Writer, sentence string) {
	// There is nowhere to report to when standard error fails.
	_, _ = io.WriteString(w, plain(sentence, maxSentence)+"\n")
}

// plain is the text as one line of printable characters, at most so many of
// them: whatever the input says, it cannot forge a line, nor move a cursor.
func plain(text string, most int) string {
	var b strings.Builder
	for n := 0; text != ""; n++ {
		if n == most {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case !unicode.IsPrint(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}

// sentence says what is wrong with an input and where: the first problem, and
// how many more there are. line is where the input begins; 0 is the whole file.
func sentence(file string, line int, err error) string {
	var found change.Problems
	where := file
	if line > 0 {
		where = fmt.Sprintf("%s:%d", file, line)
	}
	if !errors.As(err, &found) || len(found) == 0 {
		return plain(where+": "+err.Error(), maxSentence)
	}
	first := found[0]
	if first.Line > 0 && line > 0 {
		where = fmt.Sprintf("%s:%d", file, line+first.Line-1)
	}
	text := fmt.Sprintf("%s: %s: %s", where, plain("/"+strings.TrimPrefix(first.Pointer, "/"), maxPointer), first.Message)
	more := ""
	if len(found) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(found)-1)
	}
	return plain(text, maxSentence-len(more)) + more
}

// cause is what the system says, without the name that the sentence has.
func cause(err error) string { return bare(err).Error() }

func bare(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// hint asks whether the nearest of the known words was meant; "" when none is
// near.
func hint(word string, known []string) string {
	best, least := "", 1+len(word)/3
	for _, k := range known {
		if d := distance(word, k); d <= least && (best == "" || d < distance(word, best)) {
			best = k
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is how many letters must be put in, left out or replaced to make
// one word of the other (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
