package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/leaderelection"
)

// event is one line of output. Leader is the last observed holder: empty before the first observation and after a release.
type event struct {
	MonotonicMs float64 `json:"t_mono_ms"`
	Event       string  `json:"event"`
	Identity    string  `json:"identity"`
	Leader      string  `json:"leader"`
}

// reporter pairs up client-go's callbacks: it calls OnStartedLeading in a goroutine, and OnStoppedLeading even when
// this process never led.
type reporter struct {
	identity string
	elector  atomic.Pointer[leaderelection.LeaderElector]

	mutex        sync.Mutex
	leader       string
	leading      bool
	shuttingDown bool
}

func (r *reporter) follow(elector *leaderelection.LeaderElector) {
	r.elector.Store(elector)
}

func (r *reporter) started(leading context.Context) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.shuttingDown || leading.Err() != nil {
		return
	}
	r.leading = true
	r.leader = r.identity
	r.print("started")
}

func (r *reporter) stopped() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.stop()
}

func (r *reporter) newLeader(identity string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.leader = identity
	r.print("new-leader")
}

// shutDown ends the work for good; called before the election's context is cancelled.
func (r *reporter) shutDown() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.shuttingDown = true
	r.stop()
}

func (r *reporter) stop() {
	if r.leading {
		r.leading = false
		r.print("stopped")
	}
}

func (r *reporter) print(name string) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(fmt.Sprintf("CLOCK_MONOTONIC: %v", err))
	}
	line, err := json.Marshal(event{
		MonotonicMs: float64(now.Nano()) / 1e6,
		Event:       name,
		Identity:    r.identity,
		Leader:      r.leader,
	})
	if err != nil {
		panic(fmt.Sprintf("event: %v", err))
	}
	os.Stdout.Write(append(line, '\n'))
}

// serveLeader answers GET /leader with client-go's IsLeader, which compares names only and so never expires.
func serveLeader(address string, r *reporter) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /leader", func(response http.ResponseWriter, _ *http.Request) {
		elector := r.elector.Load()
		isLeader := elector != nil && elector.IsLeader()
		response.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(response, "{\"isLeader\":%t}\n", isLeader)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	return nil
}
