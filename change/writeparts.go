package change

func (w *writing) person(v *Person) {
	w.begin()
	w.text("id", v.ID)
	w.maybe("kind", personKindWords, uint8(v.Kind))
	w.stated("team", v.Team)
	w.end()
}

func (w *writing) contributor(v *Contributor) {
	w.begin()
	w.text("id", v.ID)
	w.word("as", partWords, uint8(v.As))
	w.end()
}

func (w *writing) target(v *Target) {
	w.begin()
	w.text("name", v.Name)
	w.stated("environment", v.Environment)
	w.stated("region", v.Region)
	w.end()
}

func (w *writing) artifact(v *Artifact) {
	w.begin()
	w.text("name", v.Name)
	w.stated("version", v.Version)
	w.text("digest", string(v.Digest))
	w.end()
}

func (w *writing) commit(v *Commit) {
	w.begin()
	w.text("repository", v.Repository)
	w.text("id", v.ID)
	w.end()
}

func (w *writing) file(v *File) {
	w.begin()
	w.text("path", v.Path)
	w.whole("added", v.Added)
	w.whole("deleted", v.Deleted)
	w.end()
}

func (w *writing) size(v *Size) {
	w.begin()
	w.whole("files", v.Files)
	w.whole("directories", v.Directories)
	w.whole("lines_added", v.LinesAdded)
	w.whole("lines_deleted", v.LinesDeleted)
	w.end()
}

func (w *writing) evidence(v *Evidence) {
	w.begin()
	w.text("name", v.Name)
	w.word("result", resultWords, uint8(v.Result))
	w.stated("by", v.By)
	if !v.At.IsZero() {
		w.time("at", v.At)
	}
	w.stated("ref", v.Ref)
	w.end()
}

func (w *writing) attestation(v *Attestation) {
	w.begin()
	w.text("by", v.By)
	w.odd = w.odd || v.Covers == nil // which is null
	list(w, "covers", v.Covers, (*writing).item)
	w.stated("ref", v.Ref)
	w.end()
}

func (w *writing) step(v *Step) {
	w.begin()
	w.text("title", v.Title)
	w.text("party", v.Party)
	w.bool("automated", v.Automated)
	w.stated("backout", v.Backout)
	w.end()
}

func (w *writing) backout(v *Backout) {
	w.begin()
	object(w, "artifact", v.Artifact, (*writing).artifact)
	w.stated("plan", v.Plan)
	w.end()
}

func (w *writing) validation(v *Validation) {
	w.begin()
	w.word("party", partyWords, uint8(v.Party))
	list(w, "checks", v.Checks, (*writing).item)
	w.bool("automated", v.Automated)
	w.number("within_minutes", v.Within)
	w.end()
}

func (w *writing) handover(v *Handover) {
	w.begin()
	w.text("built", v.Built)
	w.text("why", v.Why)
	w.text("watch", v.Watch)
	w.end()
}

func (w *writing) window(v *Window) {
	w.begin()
	w.time("start", v.Start)
	w.time("end", v.End)
	w.end()
}

func (w *writing) incident(v *Incident) {
	w.begin()
	w.text("incident", v.ID)
	w.text("reason", v.Reason)
	w.number("severity", v.Severity)
	w.end()
}

func (w *writing) claim(v *Claim) {
	w.begin()
	w.word("type", typeWords, uint8(v.Type))
	w.stated("template", v.Template)
	w.text("by", v.By)
	w.stated("reason", v.Reason)
	w.end()
}

func (w *writing) link(v *Link) {
	w.begin()
	w.word("rel", relationWords, uint8(v.Relation))
	w.text("id", v.ID)
	w.end()
}

func (w *writing) external(v *External) {
	w.begin()
	w.text("system", v.System)
	w.text("id", v.ID)
	w.end()
}

func (w *writing) history(v *History) {
	w.begin()
	w.whole("service_changes_30d", v.ServiceChanges30d)
	w.whole("service_failures_90d", v.ServiceFailures90d)
	w.part("service_failure_rate", v.ServiceFailureRate)
	w.part("team_failure_rate", v.TeamFailureRate)
	w.whole("files_changes", v.FilesChanges)
	w.whole("files_failures_90d", v.FilesFailures90d)
	w.part("files_failure_rate", v.FilesFailureRate)
	w.whole("files_developers", v.FilesDevelopers)
	w.part("files_age_days", v.FilesAgeDays)
	w.whole("requester_changes", v.RequesterChanges)
	w.whole("system_changes_24h", v.SystemChanges24h)
	w.whole("system_failures_7d", v.SystemFailures7d)
	w.part("hours_since_failure", v.HoursSinceFailure)
	w.part("hours_since_own_last", v.HoursSinceOwnLast)
	w.end()
}
