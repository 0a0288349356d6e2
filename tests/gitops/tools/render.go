package main

import (
	"bytes"
	"context"
	"fmt"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// build does what kustomize-controller does with a Kustomization's path, its targetNamespace, patches and postBuild;
// variables that are not given and have no default are an error (its StrictPostBuildSubstitutions).
func build(ctx context.Context, folder string, kustomization unstructured.Unstructured) ([]any, error) {
	action, err := kustomize.NewGenerator(folder, kustomization).WriteFile(folder, kustomize.WithSaveOriginalKustomization())
	if err != nil {
		return nil, err
	}
	defer func() { _ = kustomize.CleanDirectory(folder, action) }()
	made, err := kustomize.SecureBuild(folder, folder, false)
	if err != nil {
		return nil, err
	}
	found := []any{}
	for _, each := range made.Resources() {
		options := []kustomize.SubstituteOption{kustomize.SubstituteWithStrict(true), kustomize.SubstituteWithDryRun(true)}
		replaced, err := kustomize.SubstituteVariables(ctx, nil, kustomization, each, options...)
		if err != nil {
			return nil, err
		}
		if replaced != nil {
			each = replaced
		}
		text, err := each.AsYAML()
		if err != nil {
			return nil, err
		}
		object := map[string]any{}
		if err := yaml.Unmarshal(text, &object); err != nil {
			return nil, err
		}
		found = append(found, object)
	}
	return found, nil
}

// applications renders each text of an ApplicationSet's template as Argo CD does (applicationset/utils/utils.go).
func applications(set map[string]any, parameters []map[string]any) ([]any, error) {
	spec, _ := set["spec"].(map[string]any)
	if isGoTemplate, _ := spec["goTemplate"].(bool); !isGoTemplate {
		return nil, fmt.Errorf("the ApplicationSet has no goTemplate: true")
	}
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	base := template.New("base").Funcs(functions)
	options, _ := spec["goTemplateOptions"].([]any)
	for _, option := range options {
		base = base.Option(option.(string))
	}
	found := []any{}
	for _, each := range parameters {
		rendered, err := replaced(base, spec["template"], each)
		if err != nil {
			return nil, err
		}
		found = append(found, rendered)
	}
	return found, nil
}

func replaced(base *template.Template, value any, parameters map[string]any) (any, error) {
	switch value := value.(type) {
	case string:
		clone, err := base.Clone()
		if err != nil {
			return nil, err
		}
		parsed, err := clone.Parse(value)
		if err != nil {
			return nil, err
		}
		text := bytes.Buffer{}
		err = parsed.Execute(&text, parameters)
		return text.String(), err
	case map[string]any:
		made := map[string]any{}
		for name, each := range value {
			key, err := replaced(base, name, parameters)
			if err != nil {
				return nil, err
			}
			if made[key.(string)], err = replaced(base, each, parameters); err != nil {
				return nil, err
			}
		}
		return made, nil
	case []any:
		made := make([]any, len(value))
		for index, each := range value {
			var err error
			if made[index], err = replaced(base, each, parameters); err != nil {
				return nil, err
			}
		}
		return made, nil
	default:
		return value, nil
	}
}
