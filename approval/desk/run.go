package desk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/changelane/changelane/audit"
)

// ErrClosed is what a desk that was closed answers.
var ErrClosed = errors.New("the desk is closed")

const (
	// tickEvery is how often Run looks at what time alone, or another desk, has
	// brought about.
	tickEvery = time.Second

	// closeGrace is how long Close waits for deliveries whose context has ended.
	closeGrace = time.Second
)

// loop is what a desk does besides answering: the state of Run, Tick and Close.
// A desk and those that its In returns share one.
type loop struct {
	wake chan struct{} // has a token when this desk has written something

	closing context.Context // ends when the desk is closed
	end     context.CancelFunc
	working sync.WaitGroup // runs and ticks; added to only while mu is held and the desk is open

	mu         sync.Mutex
	closed     bool
	running    bool
	sequencing bool
	checkpoint []byte               // the last one that this desk has signed
	stalled    stall                // of the log
	events     int64                // in the record when notices were last looked for
	next       time.Time            // when they are looked for even if no event was added
	shards     [audit.Shards]worker // of the relay
}

// worker is what goes on in one shard of the relay.
type worker struct {
	taken    bool          // a tick works there
	delivery chan struct{} // closed when the last call of the notifier there has returned; nil: none was made
}

func newLoop() *loop {
	l := &loop{wake: make(chan struct{}, 1)}
	l.closing, l.end = context.WithCancel(context.Background())
	return l
}

// open reports whether the desk still answers.
func (l *loop) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return nil
}

// poke wakes Run up: something was written.
func (d *Desk) poke() {
	select {
	case d.loop.wake <- struct{}{}:
	default: // it is going to wake up already
	}
}

// work begins a piece of work that Close ends and waits for. The caller ends it
// with the function that it returns.
func (d *Desk) work(ctx context.Context) (context.Context, func(), error) {
	if d.joined {
		return nil, nil, errors.New("within a transaction a desk does not run; that is for the desk that In was called on")
	}
	l := d.loop
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, ErrClosed
	}
	l.working.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.closing, cancel)
	return ctx, func() {
		stop()
		cancel()
		l.working.Done()
	}, nil
}

// Run ticks whenever this desk has written something, and every second, until
// the context ends or the desk is closed; then it returns nil. What goes wrong
// meanwhile is told to Options.Failed, and tried again; so is that events wait
// for their place in the log and another worker has held the lease on it for
// five minutes without putting any there. A desk runs once at a time.
func (d *Desk) Run(ctx context.Context) error {
	ctx, done, err := d.work(ctx)
	if err != nil {
		return err
	}
	defer done()
	if !d.loop.start() {
		return errors.New("this desk runs already; one Run at a time is enough")
	}
	defer d.loop.stop()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		_, err := d.tick(ctx, false)
		if err != nil && ctx.Err() == nil {
			d.failed(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-d.loop.wake:
		}
	}
}

// failed tells the host what went wrong. When the host panics at that, there is
// nobody left to tell.
func (d *Desk) failed(ctx context.Context, err error) {
	if d.opts.Failed == nil {
		return
	}
	_ = contain(ctx, func(context.Context) error {
		d.opts.Failed(err)
		return nil
	})
}

func (l *loop) start() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.running
	l.running = true
	return !was
}

func (l *loop) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
}

// Close ends Run and every Tick, and waits for them. From then on the desk
// answers [ErrClosed]; a command that is under way is not interrupted. The store
// stays open: it is the host's. Closing twice is harmless.
//
// Notices that were being delivered are delivered again by the next desk. A
// notifier that does not return within a second although its context has ended
// is reported: its goroutine is the only one that can outlive Close.
func (d *Desk) Close() error {
	d.loop.mu.Lock()
	d.loop.closed = true
	d.loop.mu.Unlock()
	d.loop.end()
	d.loop.working.Wait()
	if n := d.loop.stuck(); n > 0 {
		return fmt.Errorf("%d deliveries have not returned: the notifier does not heed its context", n)
	}
	return nil
}

// stuck waits a moment for the calls of the notifier and counts those that
// have not returned.
func (l *loop) stuck() (n int) {
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	over := false
	for i := range l.shards {
		l.mu.Lock()
		delivery := l.shards[i].delivery
		l.mu.Unlock()
		if delivery == nil {
			continue
		}
		if over {
			select {
			case <-delivery:
			default:
				n++
			}
			continue
		}
		select {
		case <-delivery:
		case <-grace.C:
			over, n = true, n+1
		}
	}
	return n
}
