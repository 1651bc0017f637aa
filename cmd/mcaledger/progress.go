package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far everything that lasts has come: on a terminal one bar for all tasks, else
// a log line a minute for each.
type progress struct {
	now func() time.Time
	bar *progressbar.ProgressBar // nil: not a terminal
	log *slog.Logger

	mu    sync.Mutex
	tasks map[string]*task
}

// task is something that lasts.
type task struct {
	began, logged  time.Time
	done, expected int // 0 expected: not known
}

// logEvery is how often a task is logged when there is no terminal.
const logEvery = time.Minute

func (a *app) newProgress() *progress {
	p := &progress{now: a.Now, tasks: map[string]*task{}}
	switch {
	case a.quiet:
		return nil
	case a.terminal() && !a.json:
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.Stderr), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20))
		a.err.before = p.clear // log lines do not tear the bar
	default:
		p.log = a.log()
	}
	return p
}

// watch begins a task.
func (p *progress) watch(name string) func(done, expected int) {
	if p == nil {
		return nil
	}
	return func(done, expected int) { p.tell(name, done, expected) }
}

func (p *progress) tell(name string, done, expected int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	t := p.tasks[name]
	if t == nil {
		t = &task{began: now, logged: now}
		p.tasks[name] = t
	}
	t.done, t.expected = max(t.done, done), max(expected, done)
	if expected == 0 {
		t.expected = 0
	}
	if p.bar != nil {
		p.draw()
		return
	}
	if now.Sub(t.logged) >= logEvery {
		t.logged = now
		p.log.Info("progress", t.attributes(name, now)...)
	}
}

// attributes are what a log line says of a task.
func (t task) attributes(name string, now time.Time) []any {
	perSecond := float64(t.done) / max(now.Sub(t.began).Seconds(), 1e-3)
	attributes := []any{"task", name, "done", t.done, "per_second", fmt.Sprintf("%.1f", perSecond)}
	if t.expected > 0 && perSecond > 0 {
		left := time.Duration(float64(t.expected-t.done) / perSecond * float64(time.Second))
		attributes = append(attributes, "expected", t.expected, "left", left.Round(time.Second))
	}
	return attributes
}

// draw shows the tasks that are under way in one bar. p.mu is held.
func (p *progress) draw() {
	var names []string
	done, expected := 0, 0
	for _, name := range slices.Sorted(maps.Keys(p.tasks)) {
		t := p.tasks[name]
		done += t.done
		if t.expected == 0 || t.done < t.expected {
			names = append(names, name)
		}
		if expected >= 0 && t.expected > 0 {
			expected += t.expected
		} else {
			expected = -1 // of one task it is not known
		}
	}
	p.bar.Describe(string(safe([]byte(strings.Join(names, ", ")))))
	if p.bar.GetMax() != expected {
		p.bar.ChangeMax(expected)
	}
	_ = p.bar.Set(done)
}

// clear removes the bar until the next task is told.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.bar.Clear()
}
