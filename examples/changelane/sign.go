package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/audit"
)

// logKey is the key that signs the log, and what it has signed before: a log
// that does not contain that is neither extended nor signed.
type logKey struct {
	audit.Signer
	kept  string // the file beside the key that holds the last checkpoint
	known []knownCheckpoint
	cared bool // somebody keeps checkpoints, and gives them with -known
}

type knownCheckpoint struct {
	file string
	data []byte
	audit.Checkpoint
}

// notSigned is an error about what is recorded, but not in the signed log.
type notSigned struct{ why error }

func (n notSigned) Error() string {
	return "it is recorded, but not signed: " + inWords(n.why) + "; the same command again, with the same attempt, gives the answer once it can be signed"
}

// errLeased is told when another command has been signing all the time.
var errLeased = errors.New("somebody else holds the lease of the log: another command that signs it, or one that was cut off in the last minute; try again")

// readKey reads the key that signs the log and the checkpoints that are known;
// nil when nothing is to be signed.
func (c call) readKey() (*logKey, error) {
	if c.sign == "" {
		return nil, nil
	}
	const cannot = "%s: cannot be read: %s; expected a key that \"changelane keys\" has made"
	key, err := os.Stat(c.sign)
	if err != nil {
		return nil, fmt.Errorf(cannot, c.sign, cause(err))
	}
	if store, err := os.Stat(c.store); err == nil && os.SameFile(key, store) {
		return nil, errors.New(sameFile)
	}
	text, err := readShort(c.sign)
	if err != nil {
		return nil, fmt.Errorf(cannot, c.sign, cause(err))
	}
	signer, err := audit.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		// Whatever is in the file, it is not repeated.
		return nil, fmt.Errorf("%s: is no key to sign with; expected one that \"changelane keys\" has made, and not its public part in .pub", c.sign)
	}
	if mode := key.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s: is open to others than its owner (mode %04o), and whoever reads it can sign another log; \"chmod 600 %s\" closes it, and if somebody may have read it the log needs another key", c.sign, mode, c.sign)
	}
	return c.readKnown(signer)
}

// readKnown adds to the key what is known of its log.
func (c call) readKnown(signer audit.Signer) (*logKey, error) {
	k := &logKey{Signer: signer, kept: c.sign + ".checkpoint", cared: len(c.known) > 0}
	for _, file := range c.known {
		if err := k.read(file); err != nil {
			return nil, fmt.Errorf("%w; expected a checkpoint of the log that %s signs", err, c.sign)
		}
	}
	if err := k.read(k.kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; changelane keeps there what the key has signed last, to notice a store that was put back: find out who has changed it, and remove it only when the store is verified with a checkpoint that was kept elsewhere", err)
	}
	return k, nil
}

// read reads a checkpoint that the log must contain.
func (k *logKey) read(file string) error {
	data, err := readShort(file)
	if err != nil {
		return fmt.Errorf("%s: cannot be read: %w", file, bare(err))
	}
	c, err := audit.OpenCheckpoint(data, k)
	if err != nil {
		return fmt.Errorf("%s: %s", file, misfit(data, k))
	}
	k.known = append(k.known, knownCheckpoint{file, data, c})
	return nil
}

// check finds out, before anything is recorded, whether the log of a store is
// the one that the key signs, and goes on from all that is known of it.
func (k *logKey) check(ctx context.Context, name string, store audit.Store) error {
	log, err := store.Log(ctx, tenant, nil)
	if err != nil {
		return err
	}
	if log.Checkpoint != nil {
		_, err := audit.OpenCheckpoint(log.Checkpoint, k)
		remedy := `"changelane verify" says more`
		if _, other := errors.AsType[*note.UnverifiedNoteError](err); other {
			remedy = "sign with the key that the log was begun with"
		}
		if err != nil {
			return fmt.Errorf("%s: its last checkpoint %s; nothing was recorded; %s", name, misfit(log.Checkpoint, k), remedy)
		}
	}
	for _, known := range k.known {
		if err := known.check(ctx, name, store, log.Size, k); err != nil {
			return err
		}
	}
	return nil
}

func (c knownCheckpoint) check(ctx context.Context, name string, store audit.Store, size int64, k *logKey) error {
	const nothing = `nothing was recorded or signed; "changelane verify -known" says more`
	after := ""
	if c.file == k.kept {
		after = "; remove " + c.file + " only if you know why, and that what is missing is lost"
	}
	if c.Size > size {
		return fmt.Errorf("%s: is older than the checkpoint in %s: its log has %d of the %d entries that were signed; somebody may have put back an old copy, or it is another store, which needs a key of its own; %s%s",
			name, c.file, size, c.Size, nothing, after)
	}
	if c.Size == 0 {
		return nil
	}
	proof, err := audit.ProveConsistency(ctx, store, tenant, c.Size)
	if err == nil {
		_, err = proof.Check(c.Checkpoint, k)
	}
	if errors.Is(err, audit.ErrTampered) || errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%s: its log does not contain what was signed in %s, the first %d entries; somebody may have rewritten it, or it is another store, which needs a key of its own; %s%s",
			name, c.file, c.Size, nothing, after)
	}
	return err
}

// signLog puts all that waits into the log. Another command that is at it is
// waited for.
func (s *session) signLog() error {
	s.recorded = false
	ctx, cancel := s.limit()
	defer cancel()
	options := &audit.SequenceOptions{Now: s.now}
	for _, known := range s.key.known {
		options.Known = append(options.Known, known.data)
	}
	for {
		did, err := audit.Sequence(ctx, s.store, tenant, s.key, options)
		s.sequenced += did.Added
		switch {
		case err == nil:
			return s.key.keep(did.Checkpoint)
		case errors.Is(err, audit.ErrNotFound): // which is no answer to what was asked
			return fmt.Errorf("a part of the log is missing: %v; \"changelane verify\" says more", err)
		case !errors.Is(err, audit.ErrLeased) && !errors.Is(err, audit.ErrLeaseLost):
			return err
		}
		log, err := s.store.Log(ctx, tenant, nil)
		if err == nil && log.Waiting == 0 {
			return s.key.keep(log.Checkpoint)
		}
		select {
		case <-ctx.Done():
			return errLeased
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// keep writes the last checkpoint to the file beside the key. Of two commands
// at once either may be last: then the file holds the older checkpoint until
// the next is signed, which the log contains as well.
func (k *logKey) keep(checkpoint []byte) error {
	if checkpoint == nil {
		return nil // the log is empty
	}
	c, err := audit.OpenCheckpoint(checkpoint, k)
	if err != nil {
		return fmt.Errorf("the last checkpoint of the log %s", misfit(checkpoint, k))
	}
	if present, err := readShort(k.kept); err == nil {
		if was, err := audit.OpenCheckpoint(present, k); err == nil && was.Size >= c.Size {
			return nil
		}
	}
	if err := replace(k.kept, checkpoint); err != nil && !k.cared {
		return fmt.Errorf("%s: cannot be written: %s; it keeps the last checkpoint, to notice a store that was put back; make its folder writable, or keep checkpoints yourself and give the last one with -known", k.kept, cause(err))
	}
	return nil
}

// replace writes a file anew, or leaves it as it is.
func replace(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// misfit says why a checkpoint does not open with a key.
func misfit(data []byte, v note.Verifier) string {
	if !isCheckpoint(data) {
		return "is no checkpoint"
	}
	_, err := note.Open(data, note.VerifierList(v))
	unverified, ok := errors.AsType[*note.UnverifiedNoteError](err)
	if !ok {
		return "is not what was signed: it was changed since, or signed for another log"
	}
	var names []string
	for _, sig := range unverified.Note.UnverifiedSigs {
		names = append(names, sig.Name)
	}
	if slices.Contains(names, v.Name()) {
		return fmt.Sprintf("is signed with another key of the name %s than the one that is given", v.Name())
	}
	return fmt.Sprintf("is signed by %s, and the key that is given is of %s", series(names, " and "), v.Name())
}
