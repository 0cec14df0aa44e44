// Package nearest finds the word that was probably meant.
//
// Every refusal of an unknown name in this module offers the closest right
// name, and all of them ask here.
package nearest

import (
	"slices"
	"strings"
)

// To returns the word of known closest to word, or "" when none is close
// enough to be worth offering: more than a third of the letters, or more than
// three, would have to change. Ties go to the word that comes first in known. One
// that differs only by upper and lower case is closer than any other, and where
// none is close, the only one that begins so is meant, such as friday by fri.
func To(word string, known []string) string {
	limit := min(3, (len(word)+2)/3)
	best := ""
	var rows [3][]int
	for _, candidate := range known {
		if candidate != word && strings.EqualFold(candidate, word) {
			return candidate
		}
		if abs(len(candidate)-len(word)) > limit {
			continue
		}
		if d := distance(word, candidate, limit, &rows); d <= limit && d > 0 {
			best, limit = candidate, d-1
		}
	}
	if best == "" {
		best = beginning(word, known)
	}
	return best
}

// beginning is the only word that begins so; "" when there are several, or the
// beginning is too short to tell.
func beginning(word string, known []string) string {
	const shortest = 3
	best := ""
	for _, candidate := range known {
		if len(word) < shortest || len(candidate) <= len(word) || !strings.EqualFold(candidate[:len(word)], word) {
			continue
		}
		if best != "" && best != candidate {
			return ""
		}
		best = candidate
	}
	return best
}

// Hint returns `; did you mean "x"?`, or "" when no known word is close.
func Hint(word string, known []string) string {
	if best := To(word, known); best != "" {
		return `; did you mean "` + best + `"?`
	}
	return ""
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours, each counted once. One that is beyond
// the limit is not counted to its end: there can be many words, and many that
// are not among them. The rows are its memory.
func distance(a, b string, limit int, rows *[3][]int) int {
	for i := range rows {
		rows[i] = slices.Grow(rows[i][:0], len(b)+1)[:len(b)+1]
	}
	prev2, prev, row := rows[0], rows[1], rows[2]
	for j := range prev {
		prev[j] = j
	}
	least := 0 // of the row before
	for i := 1; i <= len(a); i++ {
		row[0] = i
		before := least
		least = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit && before >= limit { // a swap looks back two rows
			return least
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}

func abs(n int) int { return max(n, -n) }
