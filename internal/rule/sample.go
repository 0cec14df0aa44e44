package rule

import (
	"regexp/syntax"
	"strings"
)

// samples are a few texts that a pattern matches, one for each alternative
// that it names; none where it matches something that cannot be written so.
func samples(pattern string) []string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return sampled(parsed.Simplify())
}

const mostSamples = 8

func sampled(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCharClass:
		return []string{string(classSample(re.Rune))}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"a"}
	case syntax.OpCapture, syntax.OpPlus:
		return sampled(re.Sub[0])
	case syntax.OpRepeat:
		return []string{strings.Repeat(first(sampled(re.Sub[0])), re.Min)}
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			out = append(out, sampled(sub)...)
		}
		return out[:min(len(out), mostSamples)]
	case syntax.OpConcat:
		return joined(re.Sub)
	}
	return []string{""} // what need not be there, or takes no room
}

func first(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

// classSample prefers what people write.
func classSample(pairs []rune) rune {
	for _, wanted := range "ax0_-/. " {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] <= wanted && wanted <= pairs[i+1] {
				return wanted
			}
		}
	}
	if len(pairs) == 0 {
		return 'a'
	}
	return pairs[0]
}

// joined are samples of parts in a row: the first of each, with every
// alternative of every part once.
func joined(parts []*syntax.Regexp) []string {
	out := []string{""}
	for _, part := range parts {
		list := sampled(part)
		var next []string
		for i, head := range out {
			for k, tail := range list {
				if i == 0 || k == 0 {
					next = append(next, head+tail)
				}
			}
		}
		out = next[:min(len(next), mostSamples)]
	}
	return out
}
