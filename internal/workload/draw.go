package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// The words that changes and rules are made of.
var (
	domains      = strings.Fields("payments ledger cards lending savings identity fraud search catalogue checkout shipping stock pricing loyalty messaging reporting billing support risk platform")
	parts        = strings.Fields("api gateway worker web scheduler importer exporter cache store sync batch router notifier auditor indexer proxy stream backend frontend jobs monitor registry adapter bridge config")
	squads       = strings.Fields("core edge data")
	environments = strings.Fields("prod staging test dev dr")
	regions      = strings.Fields("eu-west eu-north eu-central us-east us-west us-south ap-east ap-south sa-east af-south")
	kinds        = strings.Fields("code config flag schema data infrastructure certificate dependency network")
	exposures    = strings.Fields("internal partner public")
	verbs        = strings.Fields("Add Fix Remove Rename Upgrade Revert Tune Migrate Enable Disable Rotate Split")
	nouns        = strings.Fields("timeout index cache retries schema logging metrics limits routing consent token quota webhook export import backfill cursor digest lease snapshot")
	roots        = strings.Fields("db deploy api cmd internal/auth internal/billing internal/store web/app web/assets infra/network infra/dns config jobs docs test")
	folders      = strings.Fields("migrations schema helm terraform")
	endings      = strings.Fields(".go .sql .yaml .tf .ts .md .json .proto .sh .css .html .lock")
	labels       = strings.Fields("hotfix security pci gdpr sox breaking canary dark-launch rollback-tested load-tested reviewed pair customer-visible internal-only cost performance reliability tech-debt experiment holiday quarter-end vendor audit urgent docs i18n a11y mobile ios android batch realtime cross-team first-time large small manual automated weekend freeze")
)

func service(i int) string { return domains[i%len(domains)] + "-" + parts[i/len(domains)] }
func teamOf(i int) string {
	return domains[i%len(domains)] + "-" + squads[i/len(domains)%len(squads)]
}

func services() []string { return list(len(domains)*len(parts), service) }
func teams() []string    { return list(len(domains)*len(squads), teamOf) }

func list(n int, of func(int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = of(i)
	}
	return out
}

// dice draws; what it draws depends on its seeds only.
type dice struct {
	*rand.Rand
}

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

func (d dice) chance(p float64) bool { return d.Float64() < p }

func one[T any](d dice, from []T) T { return from[d.IntN(len(from))] }

// skewed draws an index below n, the low ones more often.
func (d dice) skewed(n int) int { return int(float64(n) * math.Pow(d.Float64(), 2)) }

// around draws a positive number, half of them below the middle, some of them
// far above it.
func (d dice) around(middle, spread float64) float64 {
	return middle * math.Exp(spread*d.NormFloat64())
}

func (d dice) count(middle, spread float64) int { return int(d.around(middle, spread)) }

// changes draws n changes.
func changes(d dice, n int) []Change {
	zipf := rand.NewZipf(d.Rand, 1.1, 4, uint64(len(domains)*len(parts)-1))
	out := make([]Change, n)
	for i := range out {
		out[i] = d.change(int(zipf.Uint64()))
	}
	return out
}

func (d dice) change(at int) Change {
	c := Change{
		Service: service(at), Team: teamOf(at), RequesterTeam: teamOf(at), Exposure: exposures[at*7%len(exposures)], Tier: 1 + at*11%4,
		Environment: environments[d.skewed(len(environments))], Region: regions[d.skewed(len(regions))], Kind: kinds[d.skewed(len(kinds))],
		LinesAdded: 1 + d.count(60, 1.6), LinesDeleted: d.count(25, 1.7), Targets: 1 + d.count(0.8, 1),
		Changes30d: d.count(14, 1), Failures90d: d.count(0.7, 1.1), Developers: 1 + d.count(2.5, 0.8),
		FailureRate: share(d.around(0.03, 1)), TeamFailureRate: share(d.around(0.04, 0.7)), HoursSinceFailure: tenths(d.around(300, 1.4)),
		Downtime: d.chance(0.08), Backout: d.chance(0.85),
	}
	if d.chance(0.2) {
		c.RequesterTeam = one(d, teams())
	}
	c.Title = fmt.Sprintf("%s %s of %s for %s-%d", one(d, verbs), one(d, nouns), c.Service, strings.ToUpper(domains[at%len(domains)][:3]), 100+d.IntN(9000))
	c.Paths = d.paths(min(1+d.count(3, 0.9), 40))
	c.Files = len(c.Paths)
	c.Labels = []string{}
	for range d.IntN(5) {
		if l := labels[d.skewed(len(labels))]; !slices.Contains(c.Labels, l) {
			c.Labels = append(c.Labels, l)
		}
	}
	return c
}

// paths draws n different paths; those of one change lie close together.
func (d dice) paths(n int) []string {
	root, out := roots[d.skewed(len(roots))], make([]string, n)
	for i := range out {
		if d.chance(0.15) {
			root = one(d, roots)
		}
		out[i] = fmt.Sprintf("%s/%s/%s_%02d%s", root, one(d, folders), one(d, nouns), i, endings[d.skewed(len(endings))])
	}
	return out
}

func share(f float64) float64  { return math.Round(min(f, 1)*1e4) / 1e4 }
func tenths(f float64) float64 { return math.Round(f*10) / 10 }
