// Package risk turns what is known of a change into an assessment: a level, a
// score, and reasons that add up to it.
//
// [Facts] are all that a rule may see. They come from the change, from the
// service and its policy, and from the clock, and each of them is stated,
// observed or derived, and present, unknown, or not applicable. A [RuleSet]
// looks at the facts and gives an [Assessment]. It knows no template and no
// type of change: the level is an input to those decisions, not the decision.
//
// # Rules
//
// A rule has an id, a sentence that says because of what, and either a
// condition or bands:
//
//   - points above zero, or a floor, raise scrutiny. Such a rule counts when
//     its condition is true, and also when the condition hangs on a missing
//     fact or fails.
//   - points of zero or fewer lower scrutiny: the rule vouches for the change.
//     It counts only when its condition is true; with "trust: observed", only
//     if all facts that it reads are observed or derived.
//   - bands cut one number into ranges with points. A missing number counts as
//     the worst band, once.
//   - "for" says which services a rule is about, and may read nothing but
//     facts of the service. Where it is false, the rule does not apply.
//
// The points of the rules that count are added; a group bounds the sum of its
// rules, and shows the difference as a reason of its own. The level is that of
// the score, but not below the highest floor that counts; and not below the
// default of the rule set, unless at least one rule vouches for the change.
// Reasons come in file order, and their points add up to the score exactly.
//
// [Assessment.Best] is the level that the change would have if everything that
// is not known turned out well; it equals the level when nothing is missing.
//
// # Conditions
//
// A condition is written in a strict subset of expr (github.com/expr-lang/expr):
//
//	and or not          also && || !
//	== != < <= > >=     whole and decimal numbers compare exactly
//	+ - * / %           checked: overflow and division by zero are faults
//	in, not in          a list of plain values, or a fact that is a list
//	contains startsWith endsWith matches    (matches: RE2, a literal pattern)
//	a ? b : c
//	any all none one count (list, condition over #)
//	                    all is unknown over an empty list: nothing is no evidence
//	len lower upper trim abs min max
//	touches("dir/**", ...)   whether a touched file matches a path pattern, from
//	                    the root: "*.sql" is in no folder, "**/*.sql" in any
//	known(fact)              whether a fact is there
//
// Conditions are typed: an unknown name, a comparison of text with a number,
// or of a closed set of words with a word outside of it, does not load, and
// the error names the file, the line, the column and the nearest right name.
// There are no variables, no clock, no calls of the host, and a bound on the
// cost is checked when the rules are loaded. "and" and "or" work with what is
// known: false and unknown is false, true or unknown is true.
//
// # Facts
//
// The facts of every policy are listed by [Vocabulary.Describe]; those marked
// with an asterisk are derived, so that nobody states them.
//
//	change.kind                code, config, flag, data, infrastructure, cots
//	change.title               text
//	change.reason              text
//	change.paths               the touched files
//	change.files               how many files are touched
//	change.directories         how many folders
//	change.lines_added         lines
//	change.lines_deleted       lines
//	change.lines_changed       lines added and deleted
//	change.environments        names of the environments it goes to
//	change.regions             names of the regions it goes to
//	change.targets             how many places it goes to
//	change.artifacts           how many artifacts are deployed
//	change.downtime            users will notice an interruption
//	change.backout             the change names a way back
//	change.steps               steps of the plan
//	change.manual_steps        steps that people carry out
//	change.parties             the sides that take part, the owner apart
//	change.contributors        how many people besides the requester
//	change.depends_on          how many changes it depends on
//	change.fixes               how many changes it repairs
//	change.reverts             how many changes it takes back
//	change.deployed_with       how many changes go out in lockstep with it
//	change.validation_automated  the checks after deployment run by themselves
//	change.lead_hours          hours from now to the start of the window
//	change.emergency           an emergency change is asked for
//	requester.kind             human, bot
//	requester.team             the requester's team
//	service.name *             the service, one that the policy names
//	service.team *             the team that owns it
//	service.kind *             digital, cots, foundational, platform
//	service.stage *            pilot, live, mature, retiring
//	service.tier *             1 is the most critical
//	service.exposure *         internal, partner, public
//	service.coupling *         loose, lockstep
//	service.supplier *         of a product that is bought
//	service.carries *          the services that stand on it
//	service.automated_deployment *    deployments run by themselves
//	service.automated_verification *  so do the checks after them
//	service.needs_outage *     it cannot change while it runs
//	service.availability *     the target in percent
//	service.deployments *      yearly, quarterly, monthly, weekly, daily, on-demand
//	service.model *            the operating model in force
//	at.hour                    when it would be deployed, in its window or now:
//	                           0 to 23, in the service's zone; not known where
//	                           it is not the same all through the window
//	at.weekday                 monday to sunday, then and there
//	at.day                     1 to 31, then and there
//	at.month                   1 to 12, then and there
//	at.working_time            it is working time of the owner then
//	at.watch_hours             working hours of the owner left in that day, at least
//	history.service_changes_30d   changes to the service in 30 days
//	history.service_failures_90d  failed changes to it in 90 days
//	history.service_failure_rate  failed over all, 0 to 1
//	history.team_failure_rate     the same for the team
//	history.files_changes         earlier changes to the touched files
//	history.files_failures_90d    failed ones in 90 days
//	history.files_failure_rate    failed over all, 0 to 1
//	history.files_developers      people who changed the files before
//	history.files_age_days        mean days since the files last changed
//	history.requester_changes     earlier changes by the requester
//	history.system_changes_24h    changes to anything in 24 hours
//	history.system_failures_7d    failures of anything in 7 days
//	history.hours_since_failure   since the service's last failed change
//	history.hours_since_own_last  since the requester's last change
//
// To these come evidence.NAME (passed, failed, skipped) for each check that the
// policy declares, and attributes.NAME for each property of the organisation's
// attributes.schema.json, with its type.
//
// # Sources
//
// That a missing or failing rule raises is the opposite of Cedar's rule that
// skips a policy in error; see INV-1 to INV-4 in internal/docs/design.md. The
// truth values are Kleene's strong logic with two further values.
package risk
