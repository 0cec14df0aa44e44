package change

import "github.com/changelane/changelane/internal/schema"

func (r *reading) person(v *schema.Value, to *Person) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "id":
			to.ID = m.Value.Text
		case "kind":
			word(r, personKindWords, m.Value, &to.Kind)
		case "team":
			to.Team = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) contributor(v *schema.Value, to *Contributor) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "id":
			to.ID = m.Value.Text
		case "as":
			word(r, partWords, m.Value, &to.As)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) target(v *schema.Value, to *Target) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "name":
			to.Name = m.Value.Text
		case "environment":
			to.Environment = m.Value.Text
		case "region":
			to.Region = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) artifact(v *schema.Value, to *Artifact) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "name":
			to.Name = m.Value.Text
		case "version":
			to.Version = m.Value.Text
		case "digest":
			to.Digest = Digest(m.Value.Text)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) commit(v *schema.Value, to *Commit) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "repository":
			to.Repository = m.Value.Text
		case "id":
			to.ID = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) file(v *schema.Value, to *File) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "path":
			to.Path = m.Value.Text
		case "added":
			to.Added = r.int(m.Value)
		case "deleted":
			to.Deleted = r.int(m.Value)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) size(v *schema.Value, to *Size) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "files":
			to.Files = r.int(m.Value)
		case "directories":
			to.Directories = r.int(m.Value)
		case "lines_added":
			to.LinesAdded = r.int(m.Value)
		case "lines_deleted":
			to.LinesDeleted = r.int(m.Value)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) evidence(v *schema.Value, to *Evidence) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "name":
			to.Name = m.Value.Text
		case "result":
			word(r, resultWords, m.Value, &to.Result)
		case "by":
			to.By = m.Value.Text
		case "at":
			r.time(m.Value, &to.At)
		case "ref":
			to.Ref = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) attestation(v *schema.Value, to *Attestation) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "by":
			to.By = m.Value.Text
		case "covers":
			to.Covers = listOf(r, m.Value, (*reading).text)
		case "ref":
			to.Ref = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) step(v *schema.Value, to *Step) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "title":
			to.Title = m.Value.Text
		case "party":
			to.Party = m.Value.Text
		case "automated":
			to.Automated = r.bool(m.Value)
		case "backout":
			to.Backout = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) backout(v *schema.Value, to *Backout) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "artifact":
			to.Artifact = one(r, m.Value, (*reading).artifact)
		case "plan":
			to.Plan = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) validation(v *schema.Value, to *Validation) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "party":
			word(r, partyWords, m.Value, &to.Party)
		case "checks":
			to.Checks = listOf(r, m.Value, (*reading).text)
		case "automated":
			to.Automated = r.bool(m.Value)
		case "within_minutes":
			to.Within = r.whole(m.Value)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) handover(v *schema.Value, to *Handover) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "built":
			to.Built = m.Value.Text
		case "why":
			to.Why = m.Value.Text
		case "watch":
			to.Watch = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) window(v *schema.Value, to *Window) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "start":
			r.time(m.Value, &to.Start)
		case "end":
			r.time(m.Value, &to.End)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) incident(v *schema.Value, to *Incident) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "incident":
			to.ID = m.Value.Text
		case "reason":
			to.Reason = m.Value.Text
		case "severity":
			to.Severity = r.whole(m.Value)
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) claim(v *schema.Value, to *Claim) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "type":
			word(r, typeWords, m.Value, &to.Type)
		case "template":
			to.Template = m.Value.Text
		case "by":
			to.By = m.Value.Text
		case "reason":
			to.Reason = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) link(v *schema.Value, to *Link) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "rel":
			word(r, relationWords, m.Value, &to.Relation)
		case "id":
			to.ID = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) external(v *schema.Value, to *External) {
	for i := range v.Members {
		switch m := &v.Members[i]; m.Name {
		case "system":
			to.System = m.Value.Text
		case "id":
			to.ID = m.Value.Text
		default:
			r.unknown(m.Name)
		}
	}
}

func (r *reading) history(v *schema.Value, to *History) {
	for i := range v.Members {
		m := &v.Members[i]
		whole, part := to.field(m.Name)
		switch {
		case whole != nil:
			*whole = r.int(m.Value)
		case part != nil:
			*part = r.float(m.Value)
		default:
			r.unknown(m.Name)
		}
	}
}

// field is where a member of the history stands: a count, or a rate or a span.
func (h *History) field(name string) (whole **int, part **float64) {
	switch name {
	case "service_changes_30d":
		return &h.ServiceChanges30d, nil
	case "service_failures_90d":
		return &h.ServiceFailures90d, nil
	case "service_failure_rate":
		return nil, &h.ServiceFailureRate
	case "team_failure_rate":
		return nil, &h.TeamFailureRate
	case "files_changes":
		return &h.FilesChanges, nil
	case "files_failures_90d":
		return &h.FilesFailures90d, nil
	case "files_failure_rate":
		return nil, &h.FilesFailureRate
	case "files_developers":
		return &h.FilesDevelopers, nil
	case "files_age_days":
		return nil, &h.FilesAgeDays
	case "requester_changes":
		return &h.RequesterChanges, nil
	case "system_changes_24h":
		return &h.SystemChanges24h, nil
	case "system_failures_7d":
		return &h.SystemFailures7d, nil
	case "hours_since_failure":
		return nil, &h.HoursSinceFailure
	case "hours_since_own_last":
		return nil, &h.HoursSinceOwnLast
	}
	return nil, nil
}
