//go:build unix

package approval_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// lineRules are what rules of a policy are like: most begin with what the
// change is on, some look at numbers, lists and texts.
var lineRules = []string{
	`service.name == "service-%d"`,
	`service.team == "team-%d" and change.lines_added > 100`,
	`"env-%d" in change.environments and change.kind == "config"`,
	`change.kind in ["data", "flag"] and change.lines_deleted > %d`,
	`service.name in ["payments-api", "service-%d"] and change.files > 40`,
	`change.lines_added > %d00 and service.tier == 1`,
	`change.files > %d and not change.downtime`,
	`touches("migrations-%d/**")`,
	`touches("infra/**/%d.tf") or change.kind == "infrastructure"`,
	`change.title contains "rewrite-%d"`,
}

// linePolicy has 100 rules besides its template.
func linePolicy(b testing.TB) *approval.Policy {
	b.Helper()
	d := approval.Definition{
		Name:     "benchmarks",
		Evidence: []string{"smoke"},
		Groups:   []approval.Group{{Name: "cab", Size: 3}},
		Services: []change.Service{{Name: "payments-api", Team: "payments", OnCall: "pd/payments", Zone: "Europe/London", Tier: 1,
			Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: change.Date{Year: 2026, Month: 1, Day: 1}}}}},
		Attributes: []byte(`{"type":"object","additionalProperties":false,"properties":{"pci":{"type":"boolean"},
			"customers":{"type":"integer","minimum":0,"maximum":1000000},"tags":{"type":"array","maxItems":20,"items":{"type":"string","maxLength":40}}}}`),
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 50}}, Default: "high",
			Rules: []risk.Rule{{ID: "plain", When: `change.kind == "code"`, Because: "it is of a kind that we know"}}},
		Templates: []approval.Template{{ID: "payments-rolling", Owner: "payments-pm", Ceiling: "low", Covers: `change.kind == "code"`,
			Approved: approval.Approval{By: "cab", On: change.Date{Year: 2026, Month: 1, Day: 1}}, Ends: change.Date{Year: 2027, Month: 1, Day: 1}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 2}}},
	}
	for i := range 120 {
		d.Services = append(d.Services, change.Service{Name: fmt.Sprintf("service-%d", i), Team: fmt.Sprintf("team-%d", i), OnCall: "pd", Zone: "Europe/London", Models: d.Services[0].Models})
	}
	for i := range 99 {
		when := lineRules[i%len(lineRules)]
		if strings.Contains(when, "%d") {
			when = fmt.Sprintf(when, 4+i)
		}
		d.Risk.Rules = append(d.Risk.Rules, risk.Rule{ID: fmt.Sprintf("rule-%d", i), Points: 1 + i%20, When: when, Because: "it is riskier"})
	}
	return made(b, d)
}

// changeLines are requests for change of ordinary size, one on each line.
func changeLines() [][]byte {
	var lines [][]byte
	for i := range 100 {
		lines = append(lines, fmt.Appendf(nil, `{"id":"CHG-2026-%04d","title":"Retry card authorisations on issuer timeouts","reason":"Authorisations that time out at the issuer are retried once after %d ms: fewer declined cards at the till.",`+
			`"kind":"code","service":"payments-api","requester":{"id":"idp|%[2]d","kind":"human","team":"payments"},"contributors":[{"id":"idp|1904","as":"author"},{"id":"idp|88","as":"pair"}],`+
			`"targets":[{"name":"prod/eu-west","environment":"prod","region":"eu-west"},{"name":"prod/eu-north"}],"artifacts":[{"name":"payments-api","digest":"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],`+
			`"files":[{"path":"internal/authorise/retry.go","added":131,"deleted":12},{"path":"internal/authorise/retry_test.go","added":64,"deleted":20},{"path":"deploy/values-%[1]d.yaml","added":17,"deleted":16}],`+
			`"evidence":[{"name":"smoke","result":"passed","by":"ci/payments","at":"2026-11-23T08:55:00Z","ref":"https://ci.example.com/runs/%[1]d"}],"backout":{"plan":"redeploy the previous image"},`+
			`"downtime":false,"claim":{"type":"standard","template":"payments-rolling","by":"idp|%[2]d","reason":"a rolling deployment without schema changes"},`+
			`"history":{"service_changes_30d":21,"service_failure_rate":0.02,"hours_since_failure":412.5},"attributes":{"pci":true,"customers":%[1]d,"tags":["cards","resilience"]}}`, i, 250+i))
	}
	return lines
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// linePaths are the contestants: the whole way from a line to a line, parts of
// it, and encoding/json alone on the same lines.
func linePaths(b testing.TB) map[string]func(line []byte) error {
	p := linePolicy(b)
	in := approval.Inputs{At: monday}
	var out []byte
	return map[string]func(line []byte) error{
		"line-to-line": func(line []byte) (err error) {
			got := p.ClassifyJSON(line, nil, in)
			if got.Err != nil {
				return got.Err
			}
			out, err = got.AppendJSON(out[:0])
			return err
		},
		"classify": func(line []byte) error { return p.ClassifyJSON(line, nil, in).Err },
		"decode":   func(line []byte) error { _, _, err := change.DecodeDigest(line, nil); return err },
		"encoding-json-any": func(line []byte) error {
			var v any
			return json.Unmarshal(line, &v)
		},
	}
}

// BenchmarkClassifyLine measures classify against a policy of 100 rules, from
// a line of JSON to a line of JSON. In "ratio" the contestants take turns on
// the same lines; each figure is the median of the turns' ratios to
// encoding/json, by the time of the processors.
func BenchmarkClassifyLine(b *testing.B) {
	lines, paths := changeLines(), linePaths(b)
	names := []string{"line-to-line", "classify", "decode", "encoding-json-any"}
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := paths[name](lines[i%len(lines)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("ratio", func(b *testing.B) {
		ratios := map[string][]float64{}
		for b.Loop() {
			took := map[string]time.Duration{}
			for _, name := range names {
				before := cpuTime()
				for range 5 {
					for _, line := range lines {
						if err := paths[name](line); err != nil {
							b.Fatal(err)
						}
					}
				}
				took[name] = cpuTime() - before
			}
			for _, name := range names[:3] {
				ratios[name] = append(ratios[name], float64(took[name])/float64(max(1, took["encoding-json-any"])))
			}
		}
		for name, all := range ratios {
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2], name+"/json")
		}
	})
}
