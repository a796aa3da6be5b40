package supervisor

import (
	"sync"
	"time"
)

// clock is a model's wall clock: it runs from the hand-over, stands still
// while a person or the host is asked, and fires once at its limit. It is safe
// for concurrent use.
type clock struct {
	mu      sync.Mutex
	ran     time.Duration // before since
	since   time.Time     // zero while it stands
	limit   time.Duration // 0: none
	timer   *time.Timer
	fire    func()
	stopped bool
}

// start sets it running, with a function to call when it has run for limit.
func (c *clock) start(limit time.Duration, fire func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit, c.fire = limit, fire
	c.run()
}

func (c *clock) run() {
	c.since = time.Now()
	c.timer = time.AfterFunc(c.limit-c.ran, c.fire)
}

// pause stands the clock still; resume lets it go on.
func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
}

func (c *clock) halt() {
	if c.since.IsZero() {
		return
	}
	c.timer.Stop()
	c.ran += time.Since(c.since)
	c.since = time.Time{}
}

func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fire != nil && !c.stopped && c.since.IsZero() {
		c.run()
	}
}

// stop ends it; its reading stays.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	c.stopped = true
}

// reading is how long it has run.
func (c *clock) reading() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return c.ran
	}
	return c.ran + time.Since(c.since)
}
