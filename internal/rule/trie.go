package rule

import (
	"bytes"
	"sort"
	"strings"
)

// tries finds which of many texts another one begins with, or ends with, in one
// pass over it. The nodes of all tries lie in one array, the children of a node
// beside each other and ascending by their first bytes.
type tries struct {
	nodes []trieNode
	heads []byte     // the first byte of each node's label
	text  []byte     // all labels
	globs []leftover // by value, from first on
	first uint32
}

// trieNode is a text of one byte or more that follows that of its parent.
// Where it ends, values end.
type trieNode struct {
	label  uint32
	length uint32
	kids   trie
	value  uint32
	values uint32
}

// trie is the children of a node or, of the root, of none.
type trie struct{ from, to uint32 }

// grown adds a trie of texts, which are ascending; text i stands for value
// first+i.
func (t *tries) grown(texts []string, first uint32, depth int) trie {
	at := uint32(len(t.nodes))
	var groups []int
	for i := 0; i < len(texts); {
		head := texts[i][depth]
		n := sort.Search(len(texts)-i, func(k int) bool { return texts[i+k][depth] > head })
		t.nodes, t.heads, groups = append(t.nodes, trieNode{}), append(t.heads, head), append(groups, i)
		i += n
	}
	for g, from := range groups {
		to := len(texts)
		if g+1 < len(groups) {
			to = groups[g+1]
		}
		t.nodes[at+uint32(g)] = t.node(texts[from:to], first+uint32(from), depth)
	}
	return trie{at, at + uint32(len(groups))}
}

// node is the node of texts that share at least the byte at depth.
func (t *tries) node(texts []string, first uint32, depth int) trieNode {
	a, b, end := texts[0], texts[len(texts)-1], depth+1
	for end < len(a) && end < len(b) && a[end] == b[end] {
		end++
	}
	n := trieNode{label: uint32(len(t.text)), length: uint32(end - depth), value: first}
	t.text = append(t.text, a[depth:end]...)
	for int(n.values) < len(texts) && len(texts[n.values]) == end {
		n.values++
	}
	n.kids = t.grown(texts[n.values:], first+n.values, end)
	return n
}

// entry is a trie that is looked at from its root, and for each byte the node
// that begins with it, counted from 1 on; 0 for none.
type entry struct {
	trie
	by [256]uint16
}

func (t *tries) entry(root trie) *entry {
	e := &entry{trie: root}
	for i, head := range t.heads[root.from:root.to] {
		e.by[head] = uint16(i) + 1
	}
	return e
}

// walk turns the values of each text that s has at the byte at, read forwards,
// or backwards when step is -1. It begins at one of the nodes of the root.
func (t *tries) walk(i uint32, s string, at, step int, r *Run) {
	for {
		n := &t.nodes[i]
		at += step
		for _, b := range t.text[n.label+1 : n.label+n.length] {
			if uint(at) >= uint(len(s)) || s[at] != b {
				return
			}
			at += step
		}
		for v := n.value; v < n.value+n.values; v++ {
			if t.globs[v-t.first].holds(s, at) {
				r.turn(v)
			}
		}
		if n.kids.from == n.kids.to || uint(at) >= uint(len(s)) {
			return
		}
		if i = t.child(n.kids, s[at]); i == n.kids.to {
			return
		}
	}
}

// child is the node that begins with a byte, or kids.to.
func (t *tries) child(kids trie, head byte) uint32 {
	heads := t.heads[kids.from:kids.to]
	if len(heads) > 8 {
		if i := bytes.IndexByte(heads, head); i >= 0 {
			return kids.from + uint32(i)
		}
		return kids.to
	}
	for i, h := range heads {
		if h == head {
			return kids.from + uint32(i)
		}
	}
	return kids.to
}

// leftover is what a path must be besides what a trie finds of it. The zero
// leftover asks for nothing.
type leftover struct {
	kind    leftoverKind
	whole   *glob  // for globMatch
	pattern string // of whole
}

type leftoverKind uint8

const (
	globLonger    leftoverKind = iota + 1 // "dir/**": something is left
	globWholeName                         // "**/name": nothing is left, or some folder
	globNotRooted                         // "**/*.ext": there is no empty folder at the beginning
	globMatch                             // whatever the pattern says
)

// holds looks at the path s, of which the part up to at, or back to it, is
// found already.
func (g *leftover) holds(s string, at int) bool {
	switch g.kind {
	case globLonger:
		return uint(at) < uint(len(s))
	case globWholeName:
		return at < 0 || at > 0 && s[at] == '/'
	case globNotRooted:
		return strings.LastIndexByte(s, '/') != 0
	case globMatch:
		return g.whole.MatchString(s)
	}
	return true
}

// anchored splits a glob into a text that a path must begin with, or end with,
// and what it must be besides. The text is empty when there is none.
func anchored(pattern string, whole *glob) (text string, class valueClass, rest leftover) {
	const wild = "*?"
	if !strings.ContainsAny(pattern, wild) {
		return pattern, valueWord, leftover{}
	}
	head, tail := pattern[:strings.IndexAny(pattern, wild)], pattern[strings.LastIndexAny(pattern, wild)+1:]
	tail = strings.TrimPrefix(tail, "/") // which "**" may have taken with it
	switch folder, under := strings.CutPrefix(pattern, "**/"); {
	case strings.HasSuffix(pattern, "/**") && len(head) == len(pattern)-2:
		return head, valuePrefix, leftover{kind: globLonger}
	case under && folder == tail:
		return tail, valueSuffix, leftover{kind: globWholeName}
	case under && folder == "*"+tail && tail != "" && !strings.Contains(tail, "/"):
		return tail, valueSuffix, leftover{kind: globNotRooted}
	case len(head) >= len(tail):
		return head, valuePrefix, leftover{globMatch, whole, pattern}
	}
	return tail, valueSuffix, leftover{globMatch, whole, pattern}
}
