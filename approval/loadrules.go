package approval

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/policyfile"
)

func (l *loading) catalogue() {
	root := l.document(catalogueFile)
	o := root.Object(&l.errs, catalogueFile, "templates", "forbid")
	for _, f := range o.Get("templates").Entries(&l.errs, "templates") {
		l.d.Templates = append(l.d.Templates, l.template(f))
	}
	for _, n := range o.Get("forbid").List(&l.errs, "forbid") {
		f := n.Object(&l.errs, "what is forbidden", "id", "when", "because")
		l.d.Forbid = append(l.d.Forbid, Forbid{
			ID: f.Need("id").String(&l.errs, "an id"), When: f.Need("when").Expression(&l.errs, "when"),
			Because: f.Need("because").String(&l.errs, "because"), src: source{n}, when: source{f.Get("when")},
		})
	}
}

func (l *loading) template(f policyfile.Field) Template {
	errs := &l.errs
	fields := []string{"owner", "ceiling", "approved", "ends", "bound-to", "covers", "except", "because", "suspend"}
	o := f.Value.Object(errs, "a template", fields...)
	t := Template{ID: f.Name, src: source{f.Value}, nodes: map[string]source{}}
	for _, name := range fields {
		if n := o.Get(name); n != nil {
			t.nodes[name] = source{n}
		}
	}
	t.Owner = o.Need("owner").String(errs, "owner")
	t.Ceiling = o.Need("ceiling").String(errs, "ceiling")
	t.Ends = date(errs, o.Need("ends"), "ends")
	t.Covers = o.Need("covers").Expression(errs, "covers")
	t.Except = o.Get("except").Expression(errs, "except")
	t.Because = o.Get("because").String(errs, "because")
	approved := o.Need("approved")
	a := approved.Help("{by: "+said(approved, "cab")+", on: 2026-06-04}").Object(errs, "an approval", "by", "on", "ref")
	t.Approved = Approval{a.Need("by").String(errs, "by"), date(errs, a.Need("on"), "on"), a.Get("ref").String(errs, "ref")}
	t.BoundTo = l.binding(o.Get("bound-to"))
	if n := o.Get("suspend"); n != nil {
		t.Suspend = l.suspension(n)
	}
	return t
}

// binding reads what the service was like when the template was approved, such
// as {stage: live, tier: [2, 3]}.
func (l *loading) binding(n *policyfile.Node) Binding {
	var out Binding
	if n == nil {
		return out
	}
	o := n.Help("{stage: live, tier: [2, 3]}").Object(&l.errs, "bound-to", "stage", "tier", "exposure")
	for _, name := range []string{"stage", "tier", "exposure"} {
		if list := o.Get(name); list != nil && len(items(list)) == 0 {
			l.errs.Addf(list.Pos, "%s is empty, so it would bind nothing; leave it out", name)
		}
	}
	if n.Kind == policyfile.Mapping && len(n.Fields) == 0 {
		l.errs.Addf(n.Pos, "bound-to is empty, so it would bind nothing; leave it out")
	}
	for _, item := range items(o.Get("stage")) {
		var s change.Stage
		word(&l.errs, item, "stage", &s)
		out.Stages = append(out.Stages, s)
	}
	for _, item := range items(o.Get("tier")) {
		out.Tiers = append(out.Tiers, item.Int(&l.errs, "tier", 1, 9))
	}
	for _, item := range items(o.Get("exposure")) {
		var e change.Exposure
		word(&l.errs, item, "exposure", &e)
		out.Exposures = append(out.Exposures, e)
	}
	return out
}

// items is a list, or one value as a list of one.
func items(n *policyfile.Node) []*policyfile.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == policyfile.Sequence:
		return n.Items
	default:
		return []*policyfile.Node{n}
	}
}

// suspension reads such as {failure-rate-above: 4%, confidence: 95%, at-once:
// severity-1 incident, fixes-pass: 24h}.
func (l *loading) suspension(n *policyfile.Node) *Suspension {
	errs := &l.errs
	o := n.Help("{failure-rate-above: 4%, confidence: 95%}").Object(errs, "suspend", "failure-rate-above", "confidence", "at-once", "fixes-pass")
	out := &Suspension{
		FailureRateAbove: percent(errs, o.Get("failure-rate-above"), "failure-rate-above") / 100,
		Confidence:       percent(errs, o.Get("confidence"), "confidence") / 100,
	}
	out.Severity = counted(errs, o.Get("at-once"), severityText, 9, "at-once must be such as \"severity-1 incident\"")
	out.FixesPassHours = counted(errs, o.Get("fixes-pass"), hoursText, 24*31, "fixes-pass must be hours, at most 31 days, such as 24h")
	if !o.Has("at-once") && (!o.Has("failure-rate-above") || !o.Has("confidence")) {
		errs.Addf(n.Pos, "suspend needs \"failure-rate-above\" with its \"confidence\", or \"at-once\"; otherwise it never happens")
	}
	return out
}

var (
	severityText = regexp.MustCompile(`^severity-([1-9])( incident)?$`)
	hoursText    = regexp.MustCompile(`^([1-9][0-9]{0,2})h$`)
)

// counted reads the number in a text of a fixed form.
func counted(errs *policyfile.Errors, n *policyfile.Node, form *regexp.Regexp, most int, expected string) int {
	if n == nil {
		return 0
	}
	m := form.FindStringSubmatch(n.Text)
	if m == nil {
		errs.Addf(n.Pos, "%s, not %q", expected, n.Text)
		return 0
	}
	number, err := strconv.Atoi(m[1])
	if err != nil || number > most {
		errs.Addf(n.Pos, "%s, not %q", expected, n.Text)
	}
	return number
}

func (l *loading) authority() {
	root := l.document(authorityFile)
	o := root.Object(&l.errs, authorityFile, "default", "rules")
	l.d.Authority = Authority{Default: l.needs(o.Need("default"), "the default"), src: source{root}}
	for _, n := range o.Get("rules").List(&l.errs, "the rules") {
		r := n.Object(&l.errs, "an authority rule", "when", "needs", "review-within", "because")
		l.d.Authority.Rules = append(l.d.Authority.Rules, AuthorityRule{
			When: r.Get("when").Expression(&l.errs, "when"), Needs: l.needs(r.Need("needs"), "needs"),
			Review: r.Get("review-within").String(&l.errs, "review-within"), Because: r.Get("because").String(&l.errs, "because"),
			src: source{n}, when: source{r.Get("when")},
		})
	}
}

func (l *loading) needs(n *policyfile.Node, what string) []Need {
	var out []Need
	for _, item := range n.Help("["+l.seat(n)+"]").List(&l.errs, what) {
		o := item.Help(l.seat(item)).Object(&l.errs, "a need", "group", "role", "quorum", "each", "any")
		need := Need{
			Group: o.Get("group").String(&l.errs, "group"), Role: o.Get("role").String(&l.errs, "role"),
			Each: o.Get("each").Expression(&l.errs, "each"), src: source{item}, each: source{o.Get("each")},
		}
		if q := o.Get("quorum"); q != nil {
			need.Quorum = q.Int(&l.errs, "the quorum", 1, 1000)
		}
		if a := o.Get("any"); a != nil {
			if need.Any = l.needs(a, "any"); len(need.Any) == 0 {
				l.errs.Addf(a.Pos, "any lists no seats, so nothing could meet it")
			}
		}
		out = append(out, need)
	}
	return out
}

// seat shows how a need is written, with the group or role that stands there.
func (l *loading) seat(n *policyfile.Node) string {
	who := said(n, "cab")
	if slices.Contains(l.d.Roles, who) {
		return "{role: " + who + "}"
	}
	return "{group: " + who + "}"
}

func (l *loading) calendar() {
	root := l.document(calendarFile)
	l.d.sources.calendar = source{root}
	o := root.Object(&l.errs, calendarFile, "working-time", "freezes")
	if n := o.Get("working-time"); n != nil {
		l.d.Calendar.Working = l.workingTime(n)
	}
	for _, f := range o.Get("freezes").Entries(&l.errs, "freezes") {
		l.d.Calendar.Freezes = append(l.d.Calendar.Freezes, l.freeze(f))
	}
}

func (l *loading) workingTime(n *policyfile.Node) *WorkingTime {
	o := n.Help("{days: mon-fri, hours: 09:00-17:30, zone: Europe/London}").Object(&l.errs, "working time", "days", "hours", "zone", "holidays")
	w := &WorkingTime{
		Days: o.Need("days").String(&l.errs, "days"), Hours: o.Need("hours").String(&l.errs, "hours"),
		Zone: o.Need("zone").String(&l.errs, "zone"),
	}
	for _, item := range items(o.Get("holidays")) {
		w.Holidays = append(w.Holidays, l.holidays(item)...)
	}
	return w
}

// holidays reads one day, or the days of an iCalendar file of the policy.
func (l *loading) holidays(n *policyfile.Node) []change.Date {
	text := n.String(&l.errs, "a holiday")
	if !strings.HasSuffix(text, ".ics") {
		return []change.Date{date(&l.errs, n, "a holiday")}
	}
	if strings.ContainsAny(text, `/\`) {
		l.errs.Addf(n.Pos, "the holidays %q must lie in the policy directory itself", text)
		return nil
	}
	data := l.read(text)
	if data == nil {
		l.errs.Addf(n.Pos, "the file %q is not in the policy directory", text)
		return nil
	}
	found, err := change.ParseHolidays(data)
	if err != nil {
		l.errs.Addf(n.Pos, "%s: %v", text, err)
	}
	out := make([]change.Date, len(found))
	for i, h := range found {
		out[i] = h.Date
	}
	return out
}

func (l *loading) freeze(f policyfile.Field) Freeze {
	errs := &l.errs
	o := f.Value.Help("{every: 15 dec to 4 jan, ceiling: low}").Object(errs, "a freeze", "every", "for", "ceiling", "emergencies", "override", "because")
	emergencies := o.Get("emergencies").Help("pass: they are not held up; hold: they need the seat of the override too")
	out := Freeze{
		ID: f.Name, For: o.Get("for").Expression(errs, "for"), Ceiling: o.Need("ceiling").String(errs, "ceiling"),
		HoldEmergencies: emergencies.Word(errs, "emergencies", "pass", "hold") == "hold",
		Override:        o.Get("override").String(errs, "override"), Because: o.Get("because").String(errs, "because"),
		src: source{f.Value}, only: source{o.Get("for")},
	}
	if n := o.Need("every"); n != nil {
		every, err := change.ParseRecurrence(n.String(errs, "every"))
		if err != nil {
			errs.Addf(n.Pos, "every: %v", err)
		}
		out.Every = every
	}
	return out
}
