// Command elector campaigns for a Lease with client-go's own elector and tells on stdout what it believes.
//
// It is the reference for the wire behaviour and the rival in mixed groups: one JSON line per change, stamped with
// CLOCK_MONOTONIC, which every process on the machine shares (Node's process.hrtime reads the same clock).
//
// On SIGTERM the work ends ("stopped") before the election's context is cancelled, as ReleaseOnCancel demands of its
// callers. When a renewal fails, client-go releases before it calls back: that "stopped" may come up to another
// renew deadline later. It is printed as it happens, since it is what a program built on client-go experiences.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

type options struct {
	kubeconfig, namespace, name, identity, listen string
	leaseDuration, renewDeadline, retryPeriod     time.Duration
	releaseOnCancel                               bool
}

func main() {
	options, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(options)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "elector: %v\n", err)
		os.Exit(1)
	}
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("elector", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "path of the kubeconfig (required)")
	flags.StringVar(&o.namespace, "namespace", "", "namespace of the Lease (required)")
	flags.StringVar(&o.name, "name", "", "name of the Lease (required)")
	flags.StringVar(&o.identity, "identity", "", "holder identity, unique per running process (required)")
	flags.StringVar(&o.listen, "listen", "", "address of GET /leader, e.g. 127.0.0.1:8080; off when empty")
	flags.DurationVar(&o.leaseDuration, "lease-duration", 15*time.Second, "how long rivals wait for a renewal")
	flags.DurationVar(&o.renewDeadline, "renew-deadline", 10*time.Second, "how long a leader retries a renewal")
	flags.DurationVar(&o.retryPeriod, "retry-period", 2*time.Second, "time between attempts")
	flags.BoolVar(&o.releaseOnCancel, "release-on-cancel", true, "empty the Lease when leading ends")
	klog.InitFlags(flags)
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	required := map[string]string{
		"kubeconfig": o.kubeconfig, "namespace": o.namespace, "name": o.name, "identity": o.identity,
	}
	for flagName, value := range required {
		if value == "" {
			return o, fmt.Errorf("--%s is required", flagName)
		}
	}
	return o, nil
}

func run(o options) error {
	restConfig, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	lock, err := newLock(o, restConfig)
	if err != nil {
		return err
	}
	reporter := &reporter{identity: o.identity}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		reporter.shutDown()
		cancel()
	}()
	if o.listen != "" {
		if err := serveLeader(o.listen, reporter); err != nil {
			return err
		}
	}

	for ctx.Err() == nil {
		if err := campaign(ctx, o, lock, reporter); err != nil {
			return err
		}
	}
	return nil
}

// newLock sets the client up as Kubernetes' own components do: requests time out after half the renew deadline.
func newLock(o options, restConfig *rest.Config) (resourcelock.Interface, error) {
	return resourcelock.NewFromKubeconfig(
		resourcelock.LeasesResourceLock, o.namespace, o.name,
		resourcelock.ResourceLockConfig{Identity: o.identity}, restConfig, o.renewDeadline,
	)
}

// campaign runs one election to its end: until leading was lost or ctx is done.
func campaign(ctx context.Context, o options, lock resourcelock.Interface, reporter *reporter) error {
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   o.leaseDuration,
		RenewDeadline:   o.renewDeadline,
		RetryPeriod:     o.retryPeriod,
		ReleaseOnCancel: o.releaseOnCancel,
		Name:            o.name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: reporter.started,
			OnStoppedLeading: reporter.stopped,
			OnNewLeader:      reporter.newLeader,
		},
	})
	if err != nil {
		return err
	}
	reporter.follow(elector)
	elector.Run(ctx)
	return nil
}
