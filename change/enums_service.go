package change

// Type is what kind of route a change takes: ITIL 4's types of change. It is not
// ordered; strictness is an order on requirements. The zero Type is Unclassified.
type Type uint8

// The values of Type; in files and JSON: unclassified, standard, normal,
// emergency. The zero value is not decided.
const (
	Unclassified Type = iota // not decided
	Standard                 // pre-approved: low-risk, regular, under a template
	Normal                   // decided by whom policy names, by default the CAB
	Emergency                // must be made at once, such as to resolve an incident
)

var typeWords = vocabulary{"type of change", []string{"unclassified", "standard", "normal", "emergency"}}

// String is the word for it in files and JSON.
func (e Type) String() string { return typeWords.format(uint8(e)) }

// MarshalText writes the word, also that of the zero value: a change that
// could not be classified says so.
func (e Type) MarshalText() ([]byte, error) {
	if e == Unclassified {
		return []byte(e.String()), nil
	}
	return typeWords.marshal(uint8(e))
}

// UnmarshalText accepts exactly the words of the set, and "unclassified".
func (e *Type) UnmarshalText(text []byte) error {
	if string(text) == Unclassified.String() {
		*e = Unclassified
		return nil
	}
	return read(typeWords, text, e)
}

// Kind says what is changed.
type Kind uint8

// The values of Kind; in files and JSON: code, config, flag, data,
// infrastructure, cots. The zero value is not stated.
const (
	_ Kind = iota
	Code
	Config
	Flag // a feature flag
	Data
	Infrastructure
	COTSRelease // a release of a commercial off-the-shelf product
)

var kindWords = vocabulary{"kind of change", []string{"", "code", "config", "flag", "data", "infrastructure", "cots"}}

// String is the word for it in files and JSON.
func (e Kind) String() string { return kindWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Kind) MarshalText() ([]byte, error) { return kindWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Kind) UnmarshalText(text []byte) error { return read(kindWords, text, e) }

// ServiceKind says what a service is.
type ServiceKind uint8

// The values of ServiceKind; in files and JSON: digital, cots, foundational,
// platform. The zero value is not stated.
const (
	_            ServiceKind = iota
	Digital                  // built and evolved by its team
	COTS                     // commercial off the shelf
	Foundational             // an old system that others rest on
	Platform                 // carries other services
)

var serviceKindWords = vocabulary{"kind of service", []string{"", "digital", "cots", "foundational", "platform"}}

// String is the word for it in files and JSON.
func (e ServiceKind) String() string { return serviceKindWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e ServiceKind) MarshalText() ([]byte, error) { return serviceKindWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *ServiceKind) UnmarshalText(text []byte) error { return read(serviceKindWords, text, e) }

// Stage is where a service stands in its life.
type Stage uint8

// The values of Stage; in files and JSON: pilot, live, mature, retiring. The
// zero value is not stated.
const (
	_        Stage = iota
	Pilot          // before general availability
	Live           // evolving, in use
	Mature         // in use, seldom changed
	Retiring       // being replaced
)

var stageWords = vocabulary{"lifecycle stage", []string{"", "pilot", "live", "mature", "retiring"}}

// String is the word for it in files and JSON.
func (e Stage) String() string { return stageWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Stage) MarshalText() ([]byte, error) { return stageWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Stage) UnmarshalText(text []byte) error { return read(stageWords, text, e) }

// Exposure says who can reach a service.
type Exposure uint8

// The values of Exposure; in files and JSON: internal, partner, public. The
// zero value is not stated.
const (
	_ Exposure = iota
	Internal
	Partner
	Public
)

var exposureWords = vocabulary{"exposure", []string{"", "internal", "partner", "public"}}

// String is the word for it in files and JSON.
func (e Exposure) String() string { return exposureWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Exposure) MarshalText() ([]byte, error) { return exposureWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Exposure) UnmarshalText(text []byte) error { return read(exposureWords, text, e) }

// Coupling says whether a service can change alone.
type Coupling uint8

// The values of Coupling; in files and JSON: loose, lockstep. The zero value
// is not stated.
const (
	_ Coupling = iota
	Loose
	Lockstep // must be deployed together with others
)

var couplingWords = vocabulary{"coupling", []string{"", "loose", "lockstep"}}

// String is the word for it in files and JSON.
func (e Coupling) String() string { return couplingWords.format(uint8(e)) }

// MarshalText writes the word; the zero value has none and is an error.
func (e Coupling) MarshalText() ([]byte, error) { return couplingWords.marshal(uint8(e)) }

// UnmarshalText accepts exactly the words of the set.
func (e *Coupling) UnmarshalText(text []byte) error { return read(couplingWords, text, e) }
