package audit

import (
	"errors"
	"fmt"
)

// Errors of stores, to branch on with errors.Is.
var (
	ErrNotFound       = errors.New("there is no such record")
	ErrStale          = errors.New("the record has moved on")
	ErrCommandReused  = errors.New("the idempotency key was used for something else")
	ErrOutcomeUnknown = errors.New("it is not known whether this was written; send the same command again to find out")
	ErrLeased         = errors.New("another worker holds the lease")
	ErrLeaseLost      = errors.New("the lease has gone to another worker")
	ErrInvalid        = errors.New("the request is not valid")
	ErrStorageFull    = errors.New("the storage is full")
	ErrClosed         = errors.New("the store is closed")
	ErrSchema         = errors.New("the store was written by another version")
	ErrTampered       = errors.New("the record is not as it was written")
)

// StaleError says which record was not at the version that was expected.
type StaleError struct {
	Key        Key
	Want, Have uint64
}

// Error names the record and both versions.
func (e *StaleError) Error() string {
	if e.Want == e.Have {
		return fmt.Sprintf("%s %q is at version %d with another head: %v", e.Key.Kind, e.Key.ID, e.Have, ErrStale)
	}
	return fmt.Sprintf("%s is at version %d and not %d: %v", e.Key, e.Have, e.Want, ErrStale)
}

// Is makes it an [ErrStale].
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// CommandReusedError says which idempotency key was used for two requests.
type CommandReusedError struct{ Command string }

// Error names the key.
func (e *CommandReusedError) Error() string {
	return fmt.Sprintf("%v: %q", ErrCommandReused, e.Command)
}

// Is makes it an [ErrCommandReused].
func (e *CommandReusedError) Is(target error) bool { return target == ErrCommandReused }

// InvalidError says what is wrong with a request to a store; such a request
// never succeeds.
type InvalidError struct{ What string }

// Error says what.
func (e *InvalidError) Error() string { return e.What }

// Is makes it an [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// TamperedError says what about a record, or about an event of it, is not as
// it was written.
type TamperedError struct {
	Key  Key
	Seq  uint64 // of the event, or of the place where one is missing or too many
	What string
}

// Error names the event and says what is wrong.
func (e *TamperedError) Error() string {
	return fmt.Sprintf("%v: event %d of %s: %s", ErrTampered, e.Seq, e.Key, e.What)
}

// Is makes it an [ErrTampered].
func (e *TamperedError) Is(target error) bool { return target == ErrTampered }

// FormatError says where bytes are not in the form that they should have.
type FormatError struct {
	Of   string // what was read, such as "event"
	At   int    // the byte, from 0
	What string
}

// Error says what and where.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s, byte %d: %s", e.Of, e.At, e.What)
}

// reason is an error without the place that its reader knows already.
func reason(err error) string {
	if t, ok := errors.AsType[*TamperedError](err); ok {
		return t.What
	}
	return err.Error()
}
