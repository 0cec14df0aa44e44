package rule

import (
	"strings"
	"unicode/utf8"
)

// namePart is a name of a path pattern, as it is matched with a name of a path.
type namePart struct {
	form       nameForm
	head, tail string // around the only star; head alone where form needs one text
}

type nameForm uint8

const (
	nameExact   nameForm = iota // head
	nameAround                  // head, anything, tail
	nameWild                    // head, with several stars or a "?"
	nameFolders                 // "**"
)

// nameParts takes a path pattern apart.
func nameParts(pattern string) []namePart {
	names := strings.Split(pattern, "/")
	parts := make([]namePart, len(names))
	for i, name := range names {
		head, tail, starred := strings.Cut(name, "*")
		switch {
		case name == "**":
			parts[i] = namePart{form: nameFolders}
		case strings.ContainsAny(tail, "*?") || strings.Contains(head, "?"):
			parts[i] = namePart{form: nameWild, head: name}
		case starred:
			parts[i] = namePart{nameAround, head, tail}
		default:
			parts[i] = namePart{form: nameExact, head: name}
		}
	}
	return parts
}

// matchNames matches all names of a path, none of which is empty in a change that
// is valid. Where the names behind a "**" do not follow, they are looked for from
// the next name on; to go back behind an earlier "**" would find nothing else.
func matchNames(parts []namePart, path string) bool {
	end := len(path) + 1                // behind the last name, as if a slash followed it
	at, part := 0, 0                    // where the next name of the path begins, and which part it is for
	behind, from, first := -1, 0, false // the part behind the last "**", and from where it is looked for
	for {
		switch {
		case part == len(parts):
			if at == end {
				return true
			}
		case at == end:
			return false
		case parts[part].form == nameFolders && part+1 == len(parts):
			return path[at:] != ""
		case parts[part].form == nameFolders:
			part++
			behind, from, first = part, at, true
			continue
		default:
			name, _, _ := strings.Cut(path[at:], "/")
			if parts[part].matches(name) {
				at, part = at+len(name)+1, part+1
				continue
			}
		}
		if behind < 0 {
			return false
		}
		slash := strings.IndexByte(path[from:], '/')
		if first && slash == 0 { // no folder is without a name
			slash = 1 + strings.IndexByte(path[from+1:], '/')
		}
		if slash < 0 || first && slash == 0 {
			return false
		}
		from, first = from+slash+1, false
		at, part = from, behind
	}
}

func (p *namePart) matches(name string) bool {
	switch p.form {
	case nameExact:
		return name == p.head
	case nameAround:
		return len(name) >= len(p.head)+len(p.tail) && strings.HasPrefix(name, p.head) && strings.HasSuffix(name, p.tail)
	}
	return matchWild(p.head, name)
}

// matchWild goes back to the last star only: what an earlier one has taken is
// the least that it could.
func matchWild(pattern, name string) bool {
	behind, from := -1, 0
	for p, n := 0, 0; ; {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			behind, from = p, n
			continue
		case p == len(pattern) && n == len(name):
			return true
		case p < len(pattern) && n < len(name) && pattern[p] == '?':
			_, size := utf8.DecodeRuneInString(name[n:])
			p, n = p+1, n+size
			continue
		case p < len(pattern) && n < len(name) && pattern[p] == name[n]:
			p, n = p+1, n+1
			continue
		}
		if behind < 0 || from == len(name) {
			return false
		}
		_, size := utf8.DecodeRuneInString(name[from:])
		from += size
		p, n = behind, from
	}
}

// namesWork bounds how often each byte of a path is looked at. With "**" all
// parts may be looked for at each name, without it one; within a name, what
// stands behind a star may be looked for at each of its bytes.
func namesWork(parts []namePart) float64 {
	sum, most, folders := 0.0, 0.0, false
	for _, p := range parts {
		work := 2.0
		if p.form == nameWild {
			for piece := range strings.SplitSeq(p.head, "*") {
				work = max(work, float64(len(piece)+2))
			}
		}
		sum, most, folders = sum+work, max(most, work), folders || p.form == nameFolders
	}
	if folders {
		return sum
	}
	return most
}
