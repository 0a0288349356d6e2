package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	group     = "kustomize.toolkit.fluxcd.io"
	namespace = "flux-system"
)

// flux does what kustomize-controller does in apply, checkHealth and prune of its kustomization_controller.go.
type flux struct {
	manager *ssa.ResourceManager
}

func newFlux(kubeconfig string) (*flux, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.WarningHandler = rest.NoWarnings{}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, httpClient)
	if err != nil {
		return nil, err
	}
	kube, err := client.New(config, client.Options{Mapper: mapper})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(kube, mapper, polling.Options{})
	owner := ssa.Owner{Field: "kustomize-controller", Group: group}
	return &flux{ssa.NewResourceManager(kube, poller, owner)}, nil
}

func (f *flux) apply(ctx context.Context, objects []*unstructured.Unstructured, name string) (map[string]string, error) {
	if err := normalize.UnstructuredList(objects); err != nil {
		return nil, err
	}
	f.manager.SetOwnerLabels(objects, name, namespace)
	options := ssa.DefaultApplyOptions()
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "kustomize-controller", OperationType: metav1.ManagedFieldsOperationUpdate},
		},
	}
	changes, err := f.manager.ApplyAllStaged(ctx, objects, options)
	return told(changes), err
}

func (f *flux) wait(ctx context.Context, objects []*unstructured.Unstructured, seconds string) (string, error) {
	limit, err := strconv.Atoi(seconds)
	if err != nil {
		return "", err
	}
	options := ssa.WaitOptions{Interval: time.Second, Timeout: time.Duration(limit) * time.Second, FailFast: true}
	if err := f.manager.Wait(objects, options); err != nil {
		return "", fmt.Errorf("health check failed: %w", err)
	}
	return "Current", nil
}

func (f *flux) prune(ctx context.Context, objects []*unstructured.Unstructured, name string) (map[string]string, error) {
	options := ssa.DeleteOptions{
		PropagationPolicy: metav1.DeletePropagationBackground,
		Inclusions:        f.manager.GetOwnerLabels(name, namespace),
		Exclusions:        map[string]string{group + "/prune": "disabled", group + "/reconcile": "disabled"},
	}
	changes, err := f.manager.DeleteAll(ctx, objects, options)
	return told(changes), err
}

func told(changes *ssa.ChangeSet) map[string]string {
	found := map[string]string{}
	if changes != nil {
		for _, entry := range changes.Entries {
			found[entry.Subject] = string(entry.Action)
		}
	}
	return found
}
