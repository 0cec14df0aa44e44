package approval

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/risk"
)

// Policy classifies changes. It is immutable and safe for concurrent use; to
// put another in its place, swap the pointer (sync/atomic.Pointer).
type Policy struct {
	name      string
	rules     *risk.RuleSet
	carried   *risk.Vocabulary // with the facts carried.*, for "each"
	read      factReaders
	services  map[string]*serviceInfo
	templates []template // by id
	forbid    []forbid
	freezes   []freeze
	fallback  []need
	authority []authorityRule
	d         Definition // that it was made from, for lint
	digest    change.Digest
	zoneData  string // its digest, which takes long to compute
}

type serviceInfo struct {
	change.Service
	zone    *time.Location
	working *change.WorkingTime
	carried []string // at any depth, nearest first, without itself
}

type template struct {
	Template
	ceiling        risk.Level
	covers, except *risk.Condition
	approver       Seat // who puts it into force; zero: nobody can
	digest         change.Digest
}

type forbid struct {
	Forbid
	when *risk.Condition
}

type freeze struct {
	Freeze
	ceiling risk.Level // zero: nothing can be standard
	only    *risk.Condition
}

type authorityRule struct {
	when   *risk.Condition // nil: always
	says   bool            // it asks for the type, so it says who decides changes of a type
	needs  []need
	review *reviewTime
}

// need is a compiled Need.
type need struct {
	seat Seat
	each *risk.Condition
	any  []need
}

// building is a policy in the making.
type building struct {
	faults
	d      Definition
	p      *Policy
	from   *Variants // nil: from nothing
	facts  *risk.Vocabulary
	types  risk.Extra
	levels risk.Extra
}

// New makes a policy. It reports every fault at once; the error is
// [risk.ParseErrors].
func New(d Definition) (*Policy, error) { return build(d, nil) }

func build(d Definition, from *Variants) (*Policy, error) {
	d = d.clone()
	b := &building{from: from, d: d, p: &Policy{name: d.Name, d: d, services: make(map[string]*serviceInfo, len(d.Services))}}
	b.names()
	if from.shares(d) {
		b.p.services, b.p.carried, b.facts = from.p.services, from.carried, from.facts
	} else {
		b.checkWorkingTime()
		b.addServices()
		if from.speaks(d) {
			b.p.carried, b.facts = from.carried, from.facts
		} else {
			b.facts = b.vocabulary()
		}
	}
	if b.facts == nil {
		return nil, b.err() // no condition can be read without it
	}
	b.addRules()
	b.addFreezes()
	b.addTemplates()
	b.addForbid()
	b.addAuthority()
	b.checkClaims()
	b.checkCost()
	if err := b.err(); err != nil {
		return nil, err
	}
	b.p.read = b.p.newReaders()
	return b.p, b.seal()
}

// addRules makes the rule set. Where that fails, the rest of the policy is
// still looked at, so that all faults are found at once.
func (b *building) addRules() {
	var err error
	b.p.rules, err = risk.New(b.facts, b.d.Risk)
	b.join(err)
	extras := b.d.Extras()
	b.types, b.levels = extras[0], extras[1]
	if b.p.rules == nil {
		return
	}
	for i := range b.d.Services {
		s := &b.d.Services[i]
		situation := risk.Situation{Service: s}
		if len(s.Models) > 0 {
			situation.Model = s.Models[0].Model.Name
		}
		b.undecided(s.Name, b.p.rules.Undecided(b.facts.Facts(&change.Change{}, situation)))
	}
}

// checkCost bounds what one classification can take: all conditions
// once, authority for each level that a change could have, and what is asked of
// carried services for each of them.
func (b *building) checkCost() {
	if b.p.rules == nil {
		return
	}
	carried := 0
	for _, s := range b.p.services {
		carried = max(carried, len(s.carried))
	}
	total := b.p.rules.Cost() + b.cost
	for _, r := range b.p.authority {
		if r.when != nil {
			total += r.when.Cost() * (len(b.levels.Words) - 1)
		}
		for _, n := range r.needs {
			if n.each != nil {
				total += n.each.Cost() * carried
			}
		}
	}
	for _, f := range b.p.freezes {
		if f.only != nil {
			total += f.only.Cost() * carried
		}
	}
	if total > risk.MaxCost {
		b.add(b.d.sources.policy, "the conditions of the policy could cost %d steps on the largest permitted change, over the limit of %d; use fewer or simpler loops and patterns", total, risk.MaxCost)
	}
}

// seal computes the digest: of the definition, so that layout and comments of
// the files do not matter, and of the zone data, which freezes depend on.
func (b *building) seal() error {
	data, err := json.Marshal(b.d)
	if err != nil {
		return fmt.Errorf("the policy has no encoding: %w", err)
	}
	b.p.zoneData = change.ZoneDataDigest()
	b.p.digest = change.DigestOf("changelane/policy/v1\n"+b.p.zoneData, data)
	return nil
}

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func (b *building) checkName(at source, what, id string) {
	if !name.MatchString(id) {
		b.add(at, "%q cannot be the name of %s: use small letters, digits, \".\", \"-\" and \"_\"", id, what)
	}
}

// names checks groups, roles and models.
func (b *building) names() {
	at := b.d.sources.policy
	for i, g := range b.d.Groups {
		at := at.inside("groups", g.Name)
		b.checkName(at, "a group", g.Name)
		if g.Size < 1 {
			b.add(at, "the group %q has %d members; at least 1 is needed", g.Name, g.Size)
		}
		if slices.ContainsFunc(b.d.Groups[:i], func(o Group) bool { return o.Name == g.Name }) {
			b.add(at, "the group %q is defined twice", g.Name)
		}
	}
	for i, r := range b.d.Roles {
		at := at.nth("roles", i)
		b.checkName(at, "a role", r)
		if slices.Contains(b.d.Roles[:i], r) {
			b.add(at, "the role %q is listed twice", r)
		}
	}
	for i, m := range b.d.Models {
		at := at.inside("models", m.Name)
		for _, problem := range m.Problems() {
			b.add(at, "the model %q: %s", m.Name, problem)
		}
		known := slices.Concat(change.Presets(), b.d.Models[:i])
		if slices.ContainsFunc(known, func(o change.OperatingModel) bool { return o.Name == m.Name }) {
			b.add(at, "the operating model %q is defined twice, or is a preset", m.Name)
		}
	}
}

func (b *building) addServices() {
	if len(b.d.Services) == 0 {
		b.add(b.d.sources.services, "a policy needs at least one service")
	}
	for i := range b.d.Services {
		s := &b.d.Services[i]
		at := b.d.sources.service[s.Name]
		if b.p.services[s.Name] != nil {
			b.add(at, "the service %q is defined twice", s.Name)
		}
		b.p.services[s.Name] = b.service(s, at)
	}
	for _, s := range b.d.Services {
		for i, carried := range s.Carries {
			at := b.d.sources.service[s.Name].nth("carries", i)
			if slices.Contains(s.Carries[:i], carried) {
				b.add(at, "the service %q carries %q twice", s.Name, carried)
			}
			if b.p.services[carried] == nil || carried == s.Name {
				b.add(at, "the service %q carries %q, which is not another service of this policy%s", s.Name, carried, nearest.Hint(carried, b.serviceNames()))
			}
		}
	}
	for name, s := range b.p.services {
		s.carried = b.p.carriedBy(name)
	}
}

// carriedBy lists the services that stand on a service: those that it carries,
// those that these carry, and so on.
func (p *Policy) carriedBy(name string) []string {
	out := []string{name}
	for i := 0; i < len(out); i++ {
		if s := p.services[out[i]]; s != nil {
			for _, id := range s.Carries {
				if !slices.Contains(out, id) {
					out = append(out, id)
				}
			}
		}
	}
	return out[1:]
}

func (b *building) service(s *change.Service, at source) *serviceInfo {
	b.checkName(at, "a service", s.Name)
	info := &serviceInfo{Service: *s}
	if s.Team == "" {
		b.add(at, "the service %q needs a team that owns it", s.Name)
	} else {
		b.checkName(at, "a team", s.Team)
	}
	if s.Tier < 0 || s.Tier > 9 {
		b.add(at, "the service %q has tier %d; 1 to 9 are allowed", s.Name, s.Tier)
	}
	if !(s.Availability >= 0 && s.Availability <= 100) {
		b.add(at, "the service %q has an availability target of %v; it is a percentage up to 100", s.Name, s.Availability)
	}
	if len(s.Models) == 0 {
		b.add(at, "the service %q needs an operating model, such as {is: ops-run-it, from: 2026-01-01}", s.Name)
	}
	for _, m := range s.Models {
		for _, problem := range m.Model.Problems() {
			b.add(at, "the service %q: %s", s.Name, problem)
		}
		if m.Model.Standard == change.Claimed && s.OnCall == "" {
			b.add(at, "the service %q is claimed for by its on-call team (model %s), so it needs \"on-call\"", s.Name, m.Model.Name)
		}
		if m.From.IsZero() || !m.ReviewBy.IsZero() && m.ReviewBy.Before(m.From) {
			b.add(at, "the model %s of the service %q needs a day from which it holds, and a review after that", m.Model.Name, s.Name)
		}
	}
	b.checkModels(s, at)
	b.checkKinds(s, at)
	b.addTime(info, at)
	return info
}

// checkModels refuses a model that has the name of a preset, or of a model of
// the policy, and other switches; only the sides may differ by service.
func (b *building) checkModels(s *change.Service, at source) {
	known := slices.Concat(change.Presets(), b.d.Models)
	for _, a := range s.Models {
		m := a.Model
		i := slices.IndexFunc(known, func(o change.OperatingModel) bool { return o.Name == m.Name })
		if i < 0 {
			b.add(at, "the service %q is under %q, which is neither a preset nor a model of the policy", s.Name, m.Name)
			continue
		}
		m.Deploys, m.Validates = known[i].Deploys, known[i].Validates
		if m != known[i] {
			b.add(at, "the service %q is under %q with other switches than that model has; give the model a name of its own", s.Name, m.Name)
		}
	}
}

// checkKinds refuses a model for all kinds that begins after one for some
// kinds without a word on these: whoever moves a whole service must say
// whether they move too.
func (b *building) checkKinds(s *change.Service, at source) {
	for i, a := range s.Models {
		for _, o := range s.Models[:i] {
			both := a.Kinds == nil && o.Kinds == nil || slices.ContainsFunc(a.Kinds, func(k change.Kind) bool { return slices.Contains(o.Kinds, k) })
			if a.From == o.From && both {
				b.add(at, "the service %q has two models from %s on for the same changes: %s and %s", s.Name, a.From, o.Model.Name, a.Model.Name)
			}
		}
	}
	for _, general := range s.Models {
		for _, narrow := range s.Models {
			if general.Kinds != nil || narrow.Kinds == nil || !narrow.From.Before(general.From) {
				continue
			}
			for _, k := range narrow.Kinds {
				said := func(a change.Assignment) bool {
					return slices.Contains(a.Kinds, k) && a.From == general.From
				}
				if !slices.ContainsFunc(s.Models, said) {
					b.add(at, "the service %q: from %s on it is under %s, but %s changes stay under %s; say so with {is: ..., from: %s, for: %s}",
						s.Name, general.From, general.Model.Name, k, narrow.Model.Name, general.From, k)
				}
			}
		}
	}
}

// addTime finds the zone and the working time of a service.
func (b *building) addTime(info *serviceInfo, at source) {
	zone := info.Zone
	if w := b.d.Calendar.Working; zone == "" && w != nil {
		zone = w.Zone
	}
	if zone == "" {
		return
	}
	location, err := change.Zone(zone)
	if err != nil {
		b.add(at, "the service %q: %v%s", info.Name, err, zoneHint(zone, err))
		return
	}
	info.zone = location
	info.working = b.workingTime(location)
}

// checkWorkingTime looks at the organisation's own zone and hours, also where
// every service has its own.
func (b *building) checkWorkingTime() {
	w := b.d.Calendar.Working
	if w == nil {
		return
	}
	zone, err := change.Zone(w.Zone)
	if err != nil {
		b.add(b.d.sources.calendar.inside("working-time", "zone"), "working time: %v%s", err, zoneHint(w.Zone, err))
		return
	}
	b.workingTime(zone)
}

// zoneHint offers the zone of a city that is named without its region, where
// the error offers nothing.
func zoneHint(city string, err error) string {
	if strings.Contains(err.Error(), "did you mean") || city == "" {
		return ""
	}
	for _, region := range []string{"Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian"} {
		zone := region + "/" + strings.ReplaceAll(city, " ", "_")
		if _, err := change.Zone(zone); err == nil {
			return `; did you mean "` + zone + `"?`
		}
	}
	return ""
}

func (b *building) workingTime(zone *time.Location) *change.WorkingTime {
	w := b.d.Calendar.Working
	if w == nil {
		return nil
	}
	days, err := change.ParseDays(w.Days)
	from, to, err2 := change.ParseHours(w.Hours)
	at := b.d.sources.calendar.inside("working-time", "days")
	if err == nil {
		err, at = err2, b.d.sources.calendar.inside("working-time", "hours")
	}
	if err == nil {
		var working *change.WorkingTime
		working, err = change.NewWorkingTime(change.WorkingHours{Days: days, From: from, To: to, Zone: zone, Holidays: w.Holidays})
		if err == nil {
			return working
		}
	}
	message := err.Error()
	if !slices.ContainsFunc(b.all, func(e *risk.ParseError) bool { return e.Message == message }) {
		b.add(at, "%s", message)
	}
	return nil
}

func (b *building) serviceNames() []string {
	out := make([]string, len(b.d.Services))
	for i, s := range b.d.Services {
		out[i] = s.Name
	}
	return out
}

func (b *building) vocabulary() *risk.Vocabulary {
	opts := risk.VocabularyOptions{Evidence: b.evidence(), Attributes: b.d.Attributes, Applies: b.d.Applies, Sets: b.d.Sets, Services: b.serviceNames()}
	for _, s := range b.d.Services {
		if !slices.Contains(opts.Teams, s.Team) {
			opts.Teams = append(opts.Teams, s.Team)
		}
	}
	for _, m := range slices.Concat(change.Presets(), b.d.Models) {
		opts.Models = append(opts.Models, m.Name)
	}
	v, err := risk.NewVocabulary(opts)
	b.join(err)
	if err != nil || len(opts.Evidence) < len(b.d.Evidence) {
		return nil
	}
	opts.Carried = true
	b.p.carried, err = risk.NewVocabulary(opts)
	b.join(err)
	return v
}

// level finds a level by name and reports an unknown one. There may be words
// besides the levels, which the caller knows.
func (b *building) level(at source, what, id string, besides ...string) risk.Level {
	var l risk.Level
	if b.p.rules != nil {
		l, _ = b.p.rules.Level(id)
	}
	if !slices.Contains(b.levels.Words, id) {
		known := slices.Concat(b.levels.Words, besides)
		b.add(at, "%s %q is not a level of the rule set (%s)%s", what, id, strings.Join(known, ", "), nearest.Hint(id, known))
	}
	return l
}

// Name is the policy's own name.
func (p *Policy) Name() string { return p.name }

// Digest names the policy: everything that a classification depends on besides
// its inputs.
func (p *Policy) Digest() change.Digest {
	if p == nil {
		return ""
	}
	return p.digest
}

// Rules is the rule set of the policy.
func (p *Policy) Rules() *risk.RuleSet { return p.rules }

// Service finds a service of the policy by name.
func (p *Policy) Service(name string) (change.Service, bool) {
	s, ok := p.services[name]
	if !ok {
		return change.Service{}, false
	}
	return cloneService(s.Service), true
}

// ModelFor finds the operating model that is in force for changes of a kind to
// a service; false when the policy does not know the service, or none is.
func (p *Policy) ModelFor(service string, k change.Kind, at time.Time) (change.Assignment, bool) {
	s, ok := p.services[service]
	if !ok {
		return change.Assignment{}, false
	}
	a, ok := s.ModelFor(k, s.day(at))
	a.Kinds = slices.Clone(a.Kinds)
	return a, ok
}

// modelThrough is the operating model in force for a kind of change from one
// instant to another; false when none is, or not the same one all the time.
func (s *serviceInfo) modelThrough(k change.Kind, span change.Interval) (change.Assignment, bool) {
	first, last := s.day(span.Start), s.day(span.End.Add(-1))
	a, ok := s.ModelFor(k, first)
	for _, other := range s.Models {
		if first.Before(other.From) && !last.Before(other.From) {
			if b, _ := s.ModelFor(k, other.From); b.Model != a.Model {
				return change.Assignment{}, false
			}
		}
	}
	return a, ok
}

// day is the date of an instant where the service is, or in UTC.
func (s *serviceInfo) day(at time.Time) change.Date {
	zone := time.UTC
	if s != nil && s.zone != nil {
		zone = s.zone
	}
	return change.DateOf(at, zone)
}

// Services lists the names of the services, sorted.
func (p *Policy) Services() []string {
	out := make([]string, 0, len(p.services))
	for id := range p.services {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// TemplateVersion names the definition of a template: the log gives its state to
// this version. It is empty when there is no such template.
func (p *Policy) TemplateVersion(id string) change.Digest {
	for i := range p.templates {
		if p.templates[i].ID == id {
			return p.templates[i].digest
		}
	}
	return ""
}

// Templates lists the catalogue, by id.
func (p *Policy) Templates() []Template {
	out := make([]Template, len(p.templates))
	for i, t := range p.templates {
		out[i] = cloneTemplate(t.Template)
	}
	return out
}
