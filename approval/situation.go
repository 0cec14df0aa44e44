package approval

import (
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Situation is what [Policy.Classify] assesses a change in at that time: its
// service, the operating model in force, and the zone and the working time of
// its owner. It is for those who use the rules by themselves, with a
// [risk.Assessor] or over a [risk.History], and want the answers of Classify. A
// service that the policy does not know is nil, and all facts about it are
// unknown, as they are of no change.
func (p *Policy) Situation(c *change.Change, at time.Time) risk.Situation {
	if p == nil || c == nil {
		return risk.Situation{At: at}
	}
	k := &classifying{p: p, c: c, in: Inputs{At: at}}
	s := k.situation()
	if s.Service != nil {
		own := cloneService(*s.Service)
		s.Service = &own
	}
	return s
}
