package change

// PersonKind tells people from automation.
type PersonKind uint8

// The values of PersonKind; in files and JSON: human, bot. The zero value is
// not stated.
const (
	_ PersonKind = iota
	Human
	Bot
)

var personKindWords = vocabulary{"kind of person", []string{"", "human", "bot"}}

// String is the word for it in files and JSON.
func (e PersonKind) String() string { return personKindWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e PersonKind) MarshalText() ([]byte, error) { return personKindWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *PersonKind) UnmarshalText(text []byte) error { return read(personKindWords, text, e) }

// Part says how somebody contributed; any part bars from approving.
type Part uint8

// The values of Part; in files and JSON: author, editor, implementer,
// on-behalf-of, pair, account-owner. The zero value is not stated.
const (
	_ Part = iota
	Author
	Editor
	Implementer  // will carry the change out
	OnBehalfOf   // the principal whom the requester acts for
	Pair         // paired on the work
	AccountOwner // answers for a service account that contributed
)

var partWords = vocabulary{"part of a contributor", []string{"", "author", "editor", "implementer", "on-behalf-of", "pair", "account-owner"}}

// String is the word for it in files and JSON.
func (e Part) String() string { return partWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Part) MarshalText() ([]byte, error) { return partWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Part) UnmarshalText(text []byte) error { return read(partWords, text, e) }

// Result is the outcome of one check.
type Result uint8

// The values of Result; in files and JSON: passed, failed, skipped. The zero
// value is not stated.
const (
	_ Result = iota
	Passed
	Failed
	Skipped
)

var resultWords = vocabulary{"result", []string{"", "passed", "failed", "skipped"}}

// String is the word for it in files and JSON.
func (e Result) String() string { return resultWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Result) MarshalText() ([]byte, error) { return resultWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Result) UnmarshalText(text []byte) error { return read(resultWords, text, e) }

// Relation says how a change relates to another.
type Relation uint8

// The values of Relation; in files and JSON: fixes, reverts, depends-on,
// part-of, deployed-with. The zero value is not stated.
const (
	_       Relation = iota
	Fixes            // repairs what the other broke
	Reverts          // takes the other back
	DependsOn
	PartOf       // belongs to a bundle
	DeployedWith // goes out in lockstep with the other
)

var relationWords = vocabulary{"relation", []string{"", "fixes", "reverts", "depends-on", "part-of", "deployed-with"}}

// String is the word for it in files and JSON.
func (e Relation) String() string { return relationWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Relation) MarshalText() ([]byte, error) { return relationWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Relation) UnmarshalText(text []byte) error { return read(relationWords, text, e) }

// Cadence is how often a service is meant to be deployed.
type Cadence uint8

// The values of Cadence; in files and JSON: yearly, quarterly, monthly,
// weekly, daily, on-demand. The zero value is not stated.
const (
	_ Cadence = iota
	Yearly
	Quarterly
	Monthly
	Weekly
	Daily
	OnDemand // many times a day
)

var cadenceWords = vocabulary{"cadence", []string{"", "yearly", "quarterly", "monthly", "weekly", "daily", "on-demand"}}

// String is the word for it in files and JSON.
func (e Cadence) String() string { return cadenceWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Cadence) MarshalText() ([]byte, error) { return cadenceWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Cadence) UnmarshalText(text []byte) error { return read(cadenceWords, text, e) }

// Party is a side in the life of a change.
type Party uint8

// The values of Party; in files and JSON: owner, app-support, either,
// change-management, approvers. The zero value is not stated.
const (
	_     Party = iota
	Owner       // the team that builds and owns the service
	AppSupport
	Either // the owner or App Support
	ChangeManagement
	Approvers // whom the authority rules name, such as the CAB
)

var partyWords = vocabulary{"party", []string{"", "owner", "app-support", "either", "change-management", "approvers"}}

// String is the word for it in files and JSON.
func (e Party) String() string { return partyWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Party) MarshalText() ([]byte, error) { return partyWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Party) UnmarshalText(text []byte) error { return read(partyWords, text, e) }

// StandardRule says when a service may use standard changes at all.
type StandardRule uint8

// The values of StandardRule; in files and JSON: never, claimed, always. The
// zero value is not stated.
const (
	_       StandardRule = iota
	Never                // every change is decided case by case
	Claimed              // when the team itself says so, under a template
	Always               // whenever a template covers the change; nobody has to claim it
)

var standardRuleWords = vocabulary{"rule for standard changes", []string{"", "never", "claimed", "always"}}

// String is the word for it in files and JSON.
func (e StandardRule) String() string { return standardRuleWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e StandardRule) MarshalText() ([]byte, error) { return standardRuleWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *StandardRule) UnmarshalText(text []byte) error { return read(standardRuleWords, text, e) }
