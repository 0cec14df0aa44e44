package main

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

//go:embed policy
var policyFiles embed.FS

//go:embed data/changes.csv
var changesCSV []byte

// shipped is the slice of changes that comes with the program, and its policy.
func shipped() (*source, error) {
	dir, err := fs.Sub(policyFiles, "policy")
	if err != nil {
		return nil, err
	}
	policy, err := approval.Load(dir)
	if err != nil {
		return nil, err
	}
	return &source{
		title:  "600 changes to the production configuration of GOV.UK, October to December 2012",
		policy: policy,
		changes: func(yield func(sample, error) bool) {
			readCSV(bytes.NewReader(changesCSV), policy, yield)
		},
		failed: "taken back within seven days, and not as planned",
		assumed: []string{
			"that a team on call claims every change of its own service as standard (the data cannot know)",
			"that templates are active and claimants on call (the record of the second half asks an invented directory)",
			"the services, their teams and operating models (sizes, times, histories and outcomes are real)",
		},
		notes: func() []string { return nil },
		further: []string{
			"The policy is examples/quickstart/policy: files to read, to change, and to try again. Its bands were",
			"chosen on 2,488 earlier changes, never on these; data/changes.csv says where the changes are from.",
			"-all shows every change, and -repo . takes the history of the repository that you stand in.",
			"For changes of your own there is a command: go run ./examples/changelane explain -policy DIR FILE",
		},
	}, nil
}

// readCSV yields the changes of a file such as data/changes.csv.
func readCSV(r io.Reader, policy *approval.Policy, yield func(sample, error) bool) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		yield(sample{}, fmt.Errorf("the shipped changes cannot be read: %w", err))
		return
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[name] = i
	}
	for {
		fields, err := rows.Read()
		if err == io.EOF {
			return
		}
		rec := record{columns: columns, fields: fields}
		var s sample
		if err == nil {
			s = rec.sample(policy)
			err = rec.err
		}
		if err != nil {
			yield(sample{}, fmt.Errorf("the shipped changes cannot be read: %w", err))
			return
		}
		if !yield(s, nil) {
			return
		}
	}
}

// record is one row, read by the names of its columns; the first error stays.
type record struct {
	columns map[string]int
	fields  []string
	err     error
}

func (r *record) text(name string) string {
	i, ok := r.columns[name]
	if !ok {
		r.err = fmt.Errorf("there is no column %q", name)
		return ""
	}
	return r.fields[i]
}

func (r *record) decimal(name string) float64 {
	f, err := strconv.ParseFloat(r.text(name), 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("column %q: %w", name, err)
	}
	return f
}

func (r *record) whole(name string) int { return int(r.decimal(name)) }
func (r *record) yes(name string) bool  { return r.whole(name) != 0 }

// known is a number that the data write as -1 when there is none: a new file
// has no age, a newcomer no last change.
func (r *record) known(name string) *float64 {
	if f := r.decimal(name); f >= 0 {
		return &f
	}
	return nil
}

// sample is the row as a change: size and history in the fields made for them,
// the rest as attributes of the organisation's own.
func (r *record) sample(policy *approval.Policy) sample {
	component := r.text("component")
	at := time.Unix(int64(r.decimal("ts")), 0).UTC()
	c := &change.Change{
		ID: r.text("id"), Kind: change.Infrastructure, Service: serviceOf(component),
		Requester: change.Person{ID: r.text("author")},
		Size: &change.Size{Files: new(r.whole("nf")), Directories: new(r.whole("nd")),
			LinesAdded: new(r.whole("la")), LinesDeleted: new(r.whole("ld"))},
		History: &change.History{
			FilesChanges: new(r.whole("file_changes")), FilesFailures90d: new(r.whole("file_fail_90d")),
			FilesFailureRate: new(r.decimal("file_fail_rate")), FilesDevelopers: new(r.whole("ndev")),
			FilesAgeDays: r.known("age"), RequesterChanges: new(r.whole("exp")),
			SystemChanges24h: new(r.whole("repo_changes_24h")), SystemFailures7d: new(r.whole("repo_fail_7d")),
			HoursSinceOwnLast: r.known("hours_since_author_last"),
		},
		Attributes: map[string]any{
			"new_files": r.whole("new_files"), "component_failure_rate": r.decimal("comp_fail_rate"),
			"requester_component_changes": r.whole("sexp"),
			"fix":                         r.yes("is_fix"), "cleanup": r.yes("is_cleanup"), "upgrade": r.yes("is_upgrade"),
		},
		Attested: importer("size", "history", "attributes"),
	}
	c.Claim = claim(policy, c.Service)
	return sample{change: c, at: at, failed: r.yes("failed")}
}

// services says which components make up a service; machines takes the rest.
var services = []struct{ name, components string }{
	{"publishing", "govuk mapit datainsight ertp apollo search places fonts"},
	{"edge", "router varnish nginx haproxy loadbalancer akamai_logs apache2 mirror"},
	{"monitoring", "nagios ganglia graphite monitoring logstash logster graylogtail flume rabbitmq"},
	{"delivery", "jenkins envmgr fabric unicornherder"},
	{"licensing", "licensify elms"},
	{"databases", "mysql mongodb postgres elasticsearch solr redis backup duplicity"},
	{"access", "users sudo ssh sshd harden fail2ban ufw rkhunter clamav auditd ecryptfs"},
}

// serviceOf finds the service that a component belongs to. What lies outside
// the modules, apart from the manifests, builds and tests the rest.
func serviceOf(component string) string {
	module, ok := strings.CutPrefix(component, "modules/")
	if !ok && component != "manifests" {
		return "delivery"
	}
	for _, s := range services {
		for _, name := range strings.Fields(s.components) {
			if name == module {
				return s.name
			}
		}
	}
	return "machines"
}
