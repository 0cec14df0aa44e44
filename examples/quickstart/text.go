package main

import (
	"strconv"
	"strings"
)

// thousands writes 1234567 as 1,234,567; n is not negative.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// wrap breaks a line at spaces so that it fits, and indents what follows two
// further than the line itself.
func wrap(line string, width int) []string {
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))+2)
	var out []string
	for len(line) > width {
		at := strings.LastIndexByte(line[:width+1], ' ')
		if at <= len(indent) {
			break
		}
		out = append(out, line[:at])
		line = indent + line[at+1:]
	}
	return append(out, line)
}
