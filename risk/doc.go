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
//   - bands cut one number into ranges with points of zero or more; below the
//     first cut there are none. A missing number counts as the worst band, once,
//     and one that is not applicable for nothing.
//   - "for" says which services a rule is about, and may read nothing but
//     facts of the service. Where it is false, the rule does not apply; where
//     it is not known, a rule that would count still does if it raises, does not
//     if it lowers, and is left open.
//
// A condition that is not applicable makes no rule count, and leaves nothing open.
//
// The points of the rules that count are added; a group bounds the sum of its
// rules, and shows the difference as a reason of its own. The level is that of
// the score, but not below the highest floor that counts; and not below the
// default of the rule set, unless at least one rule vouches for the change.
// Reasons come in file order, and their points add up to the score exactly.
//
// [Assessment.Best] is the level that the change would have if everything that
// is not known turned out well; it equals the level when no condition is unknown
// or a fault, and none wants another witness.
//
// # Conditions
//
// A condition is written in a strict subset of expr (github.com/expr-lang/expr).
// It reads facts by their names, and is typed: an unknown name, a comparison of
// text with a number, or of a closed set of words with a word outside of it,
// does not load, and the error names the file, the line, the column and the
// nearest right name. There are no variables, no clock, and no calls of the
// host. Texts stand in "double" or 'single' quotes, with escapes such as \" and
// \\, or in `backticks`, without any. Numbers are plain digits, such as 400 or
// 0.05; a list is ["a", "b"], after "in" only. The operators, from the one that binds least:
//
//	a ? b : c                     both outcomes of one type; one that is known only where both agree
//	or  ||                        see the table
//	and  &&                       see the table
//	== !=                         numbers, texts, and what is true or false
//	< <= > >=                     numbers and texts; 1 < a <= 9 is 1 < a and a <= 9
//	in  not in                    a list of plain values, a fact that is a list, or a named set
//	contains startsWith endsWith  texts; with "not" before them too
//	matches                       RE2 syntax, a pattern in quotes
//	+ -                           whole numbers stay whole; + also joins texts
//	not  !                        binds tighter than a comparison: not (a == b)
//	* / %                         / is always decimal, % is of whole numbers
//	-                             of a number
//
// Those from == to matches bind alike, from left to right: what compares two
// comparisons needs brackets, as in (a in x) != (b in x). Whole numbers have 64 bits and decimal ones are binary64; the two compare
// exactly. A whole number that leaves its range, a decimal that leaves its own
// or is no number, a division by zero, and a step from a whole number over
// 2^53 to a decimal are faults.
//
// The functions. Where a line does not say otherwise, the result is as much
// unknown as what it is computed of:
//
//	known(fact)                   whether a fact is there; never unknown
//	touches("dir/**", sets.x)     whether a touched file matches a path pattern
//	any(list, # == "x")           "or" over the elements, which # names
//	all(list, # == "x")           "and" over them; unknown over an empty list: nothing is no evidence
//	none(list, # == "x")          not any
//	one(list, # == "x")           whether it is true of exactly one; unknown if it is of any
//	count(list, # == "x")         of how many; unknown if it is of any
//	len(text)                     characters of a text, elements of a list
//	lower(text)                   small letters
//	upper(text)                   capital letters
//	trim(text)                    without space at its ends
//	abs(number)                   without its sign
//	min(a, b)                     of two numbers or more, of one type
//	max(a, b)                     likewise
//	seconds(90)                   a duration, see Units
//	minutes(90)
//	hours(36)
//	days(2)                       24 hours each, not working days
//	weeks(2)
//	bytes(500)                    a size, see Units
//	kib(64)                       1024 bytes each
//	mib(10)
//	gib(2)
//
// Braces may stand around what is asked of the elements: all(list, {# == "x"}).
// In YAML, "#" after a space begins a comment: such a condition needs quotes.
//
// A path pattern is about a whole path from the root: "*" is part of a name,
// "?" one character of it, and "**" any folders. "*.sql" is in no folder,
// "**/*.sql" in any, "db/**" all below db.
//
// # Truth
//
// A condition is true, false, unknown (it hangs on a fact that is missing), n/a
// (not applicable: it hangs on a fact that the policy gives no meaning for this
// service) or a fault. Only "known" asks whether a fact is there; nothing else
// is true or false because one is missing. "and" and "or" decide where they can:
//
//	and      true     false    unknown  n/a      fault
//	true     true     false    unknown  n/a      fault
//	false    false    false    false    false    false
//	unknown  unknown  false    unknown  unknown  fault
//	n/a      n/a      false    unknown  n/a      fault
//	fault    fault    false    fault    fault    fault
//
//	or       true     false    unknown  n/a      fault
//	true     true     true     true     true     true
//	false    true     false    unknown  n/a      fault
//	unknown  true     unknown  unknown  unknown  fault
//	n/a      true     n/a      unknown  n/a      fault
//	fault    true     fault    fault    fault    fault
//
//	not      false    true     unknown  n/a      fault
//
// Every other operator and function gives the worst of what it is asked of:
// fault, then unknown, then n/a.
//
// # Units
//
// The name of a number tells its unit: it ends in one of seconds, minutes,
// hours, days, weeks, bytes, kib, mib or gib, as lead_hours does, or begins with
// it before "since", as hours_since_failure. That holds for attributes, too.
// A duration or a size that stands beside such a number, in a comparison or a
// sum, in min, max, % or /, or as the other outcome of a choice, is converted to
// its unit when the rules are loaded, exactly, or to the nearest decimal where
// there is no exact one:
//
//	change.lead_hours >= days(2)               the same as change.lead_hours >= 48
//	history.files_age_days < weeks(1)          the same as history.files_age_days < 7
//	attributes.outage_minutes <= hours(1.5)    the same as attributes.outage_minutes <= 90
//	history.hours_since_failure / days(1)      how many days, a plain number
//
// It takes one number that is written out. Beside a number that has no unit of
// its kind it does not load, nor do two numbers of different units beside each
// other. A plain number beside one with a unit is in that unit. The cuts of
// bands are plain numbers in the unit of their fact.
//
// # Named sets
//
// A long list has a name in policy.yaml, and conditions name it as sets.NAME, on
// the right of "in" and in touches(), where its items are path patterns:
//
//	sets:
//	  critical: [payments-api, ledger]
//	  schema_paths: ["db/**", "**/migrations/**"]
//
//	service.name in sets.critical
//	touches(sets.schema_paths, "*.sql")
//
// Where a condition uses it, each item must be a word that is possible there, or
// a path pattern. A set has at most 10,000 items, none of them twice, costs as
// much as one comparison however long it is, and counts to no limit of the
// source. It is a constant of the policy, named by its digest.
//
// # What is refused
//
// These words and signs of expr, and of languages like it, are not part of this
// one: let, if, nil, ;, .., **, ^, |, ??, ?., ::, $env, #acc, #index, x[0],
// x[1:2], {a: 1}, a list outside of "in", comments, byte strings, numbers such
// as 010, 1e3 or 0x10, and every function that is not listed above, such as now,
// date, duration, filter, map, reduce, sum, repeat, replace, split or toJSON.
// Neither is a condition, or a part of one that "and" or "or" joins, that reads
// no fact: it is always the same. Nor is a part that always fails, such as
// 1 / (2 - 2), or a pattern of "matches" that every text matches, such as ".*",
// or none.
//
// # Limits
//
// A condition has at most 4,096 bytes, 300 parts, 32 levels of nesting and 2
// nested loops; a pattern has 200 bytes, and one of "matches" 500 instructions;
// a number 18 digits; a joined text has 16,384 bytes. A list of attributes has at
// most 1,000 items.
// What a condition could cost on the largest permitted change is computed when
// it is loaded: 1,000,000 steps at most, where an operator takes one step for
// each element of the loops around it, and texts one for each 64 bytes, or for
// 16 instructions of a pattern of "matches" for each byte; a path pattern takes
// little more than a comparison. All rules together take at most 10,000,000.
// There are at most 10,000 rules.
//
// # Facts
//
// The facts of every policy are listed by [Vocabulary.Describe]; those marked
// with an asterisk are derived, so that nobody states them. A flag is true or
// false, whole and decimal are numbers, a word is a text from a closed set, and
// a list is one of texts. A number with bounds is never beyond them: what is,
// cannot be read.
//
//	change.kind                      word              code, config, flag, data, infrastructure, cots
//	change.title                     text              one line that names it
//	change.reason                    text              why the business wants it
//	change.paths                     list              the touched files
//	change.files                     whole             how many files are touched
//	change.directories               whole             how many folders are touched
//	change.lines_added               whole             lines added
//	change.lines_deleted             whole             lines deleted
//	change.lines_changed             whole             lines added and deleted, together
//	change.environments              list              the environments it goes to
//	change.regions                   list              the regions it goes to
//	change.targets                   whole             how many places it goes to
//	change.artifacts                 whole             how many artifacts are deployed
//	change.downtime                  flag              users will notice an interruption
//	change.backout                   flag              the change names a way back
//	change.steps                     whole             steps of the plan
//	change.manual_steps              whole             steps of the plan that people carry out
//	change.parties                   list              the sides that take part, the owner apart
//	change.contributors              whole             how many people besides the requester had a hand in it
//	change.depends_on                whole             how many other changes it depends on
//	change.fixes                     whole             how many other changes it repairs
//	change.reverts                   whole             how many other changes it takes back
//	change.deployed_with             whole             how many other changes it goes out in lockstep with
//	change.validation_automated      flag              the checks after deployment run by themselves
//	change.lead_hours                decimal, hours    hours from now to the start of the window
//	change.emergency                 flag              an emergency change is asked for
//	requester.kind                   word              human, bot
//	requester.team                   text              the requester's team
//	service.name *                   text              one of those that the policy names
//	service.team *                   text              the team that owns it, one of those that own services
//	service.kind *                   word              digital, cots, foundational, platform
//	service.stage *                  word              pilot, live, mature, retiring
//	service.tier *                   whole 1 to 9      1 is the most critical
//	service.exposure *               word              internal, partner, public
//	service.coupling *               word              loose, lockstep
//	service.supplier *               text              who supplies it, where it is bought
//	service.carries *                list              the services that stand on it
//	service.automated_deployment *   flag              deployments run by themselves
//	service.automated_verification * flag              so do the checks after them
//	service.needs_outage *           flag              it cannot change while it runs
//	service.availability *           decimal 0 to 100  the target, in percent
//	service.deployments *            word              yearly, quarterly, monthly, weekly, daily, on-demand
//	service.model *                  text              the operating model in force, one of those of the policy
//	at.hour                          whole 0 to 23     when it would be deployed, in its window or now, in the service's zone
//	at.weekday                       word              monday to sunday, then and there
//	at.day                           whole 1 to 31     of the month, then and there
//	at.month                         whole 1 to 12     then and there
//	at.working_time                  flag              it is working time of the owner then
//	at.watch_hours                   decimal, hours    working hours of the owner that are left in that day, at the least
//	history.service_changes_30d      whole             changes to the service in the last 30 days
//	history.service_failures_90d     whole             failed changes of the service in the last 90 days
//	history.service_failure_rate     decimal 0 to 1    failed over all changes of the service
//	history.team_failure_rate        decimal 0 to 1    the same for all services of the team
//	history.files_changes            whole             earlier changes to the touched files
//	history.files_failures_90d       whole             failed changes to the touched files in the last 90 days
//	history.files_failure_rate       decimal 0 to 1    failed over all changes to the touched files
//	history.files_developers         whole             how many people changed the touched files before
//	history.files_age_days           decimal, days     mean days since the touched files last changed
//	history.requester_changes        whole             earlier changes by the requester
//	history.system_changes_24h       whole             changes to anything in the last 24 hours
//	history.system_failures_7d       whole             failures of anything in the last 7 days
//	history.hours_since_failure      decimal, hours    hours since the service's last failed change
//	history.hours_since_own_last     decimal, hours    hours since the requester's last change
//
// A fact of time that is not the same all through the window is not known. Where
// no way back, no emergency and no service that is carried is named, that is
// known: change.backout and change.emergency are false, service.carries is empty.
//
// To these come evidence.NAME (a word: passed, failed, skipped) for each check
// that the policy declares, and attributes.NAME for each property of the
// organisation's attributes.schema.json: of its type, with the words of its
// enum, and within its minimum and maximum; a text that is shorter than its
// minLength is compared with in vain, and does not load. Authority rules may
// also read type (normal, emergency) and level (those of the rule set), and
// what stands after "each" carried.*, the facts of a service that this one carries.
//
// # Many changes
//
// A rule set is an index: what a change costs follows the rules that can match
// it, also where facts are missing. [RuleSet.Assess] gives an assessment that
// can be kept. An [Assessor] uses its memory again and allocates nothing. For
// many changes at once, [Vocabulary.History] reads their facts by column, and a
// [Plan] of a rule set gives the [Outcome] of each, without reasons. All three
// come to the same level and score.
//
// # Questions about rules
//
// [Definition.Lint] finds what loads and is hardly what was meant. A [Prover]
// tells what conditions can become of on any facts; [Vocabulary.Boundaries]
// lists the values at which they turn, and [Vocabulary.Mutants] the slips of
// the pen that they invite. Where such a search says that something cannot be,
// that is a proof; where it runs out of steps it says that nothing is settled.
//
// # Sources
//
// That a missing or failing rule raises is the opposite of Cedar's rule that
// skips a policy in error; see INV-1 to INV-4 in internal/docs/design.md. The
// truth values are Kleene's strong logic with two further values.
package risk
