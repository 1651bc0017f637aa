package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/jobs"
)

type demoReply struct {
	head
	Runs []runReply `json:"runs"`
	File string     `json:"file"`
}

func (a *app) demoCommand() *cobra.Command {
	r := &demoReply{head: head{Command: "demo"}, Runs: []runReply{}}
	folder, customers := "demo", 2000
	cmd := a.command("demo", "run two nights of a simulated partner and write the workbook of the second", r, func(ctx context.Context) error {
		return a.demo(ctx, r, folder, customers)
	})
	example(cmd, "mcaledger demo", "mcaledger demo --dir /tmp/demo --customers 500")
	cmd.Flags().StringVar(&folder, "dir", folder, "folder for the demo's configuration, database and workbook")
	cmd.Flags().IntVar(&customers, "customers", customers, "how many customers the partner has")
	return cmd
}

// demo runs the main job end to end against the simulator: last night, and the night before.
func (a *app) demo(ctx context.Context, r *demoReply, folder string, customers int) error {
	sim, err := simulator.New(simulator.Options{Seed: 7, Customers: customers, AsOf: a.Now(), RepeatedIDs: 0.005,
		Faults: simulator.Faults{ServerError: 0.002, Reset: 0.001, PageWithStatus200: 0.001}})
	if err != nil {
		return usageError{err}
	}
	served, err := serve(sim, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer served.close()
	if err := writeSimulatedConfig(folder, served.address); err != nil {
		return err
	}
	if err := clearDemo(folder); err != nil {
		return err
	}
	configFile := filepath.Join(folder, "mcaledger.yaml")
	c, err := config.Load(configFile, nil)
	if err != nil {
		return configError{err}
	}
	w, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	defer w.ledger.Close()
	unreadable, err := w.demoNights(ctx, r, sim)
	if err != nil {
		return err
	}
	report, err := w.reportJob(reportFlags{format: "xlsx"})
	if err != nil {
		return err
	}
	done, err := report.Run(ctx)
	if err != nil {
		return err
	}
	r.File = done.Path
	a.printf("\n%d customers could not be read and are unknown, not clear: see the sheet Could not be read.\nThe workbook: %s\nNext: mcaledger --config %s runs\n",
		unreadable, r.File, configFile)
	return nil
}

// demoNights reconciles the simulated partner as of yesterday and of today.
func (w *workspace) demoNights(ctx context.Context, r *demoReply, sim *simulator.Simulator) (unreadable int, err error) {
	partners, err := w.partners(nil)
	if err != nil {
		return 0, err
	}
	defer partners.Close()
	for night := 1; night <= 2; night++ {
		if err := sim.SetNight(night); err != nil {
			return 0, err
		}
		job := w.reconcileJob(partners)
		job.Now = func() time.Time { return w.Now().Add(time.Duration(night-2) * 24 * time.Hour) }
		runs, err := job.Run(ctx)
		if jobs.OutcomeOf(err) == jobs.OutcomePartial {
			err = nil // some customers of the simulator cannot be read
		}
		if err != nil {
			return 0, fmt.Errorf("night %d: %w", night, err)
		}
		r.Runs = append(r.Runs, runReplies(runs)...)
		unreadable = runs[0].Run.Totals.Unreadable
		w.printf("Night %d: %s", night, w.runSummary(runs[0]))
	}
	return unreadable, nil
}

// clearDemo removes the database of an earlier demo, and nothing else.
func clearDemo(folder string) error {
	for _, name := range []string{"mcaledger.db", "mcaledger.db-wal", "mcaledger.db-shm"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
