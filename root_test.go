package atelier_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
)

func TestPermissionMatches(t *testing.T) {
	cases := []struct {
		permission atelier.Permission
		pattern    string
		want       bool
	}{
		{"jobs/read", "*", true},
		{"jobs/read", "*/read", true},
		{"jobs/read", "jobs/*", true},
		{"jobs/read", "JOBS/Read", true},
		{"jobs/readSecrets/action", "*/read", false},
		{"endpoints/online/listKeys/action", "endpoints/*/action", true},
		{"jobs/write", "jobs/read", false},
		{"jobs", "jobs/*", false},
		{"aba", "ab*ba", false},
		{"abba", "ab*ba", true},
		{"jobs/read", "", false},
	}
	for _, c := range cases {
		if got := c.permission.Matches(c.pattern); got != c.want {
			t.Errorf("%q matches %q: %v", c.permission, c.pattern, got)
		}
	}
}

func TestParsePath(t *testing.T) {
	cases := map[string]atelier.Path{
		"azureml:diabetes:3":           {Kind: atelier.AssetPath, Name: "diabetes", Version: "3"},
		"azureml:diabetes:3:b":         {Kind: atelier.AssetPath, Name: "diabetes", Version: "3:b"},
		"azureml:diabetes@latest":      {Kind: atelier.AssetPath, Name: "diabetes", Label: "latest"},
		"azureml:cpu":                  {Kind: atelier.AssetPath, Name: "cpu"},
		"models:/m/2":                  {Kind: atelier.AssetPath, Name: "m", Version: "2"},
		"models:/m@champion":           {Kind: atelier.AssetPath, Name: "m", Label: "champion"},
		"models:/m/latest":             {Kind: atelier.AssetPath, Name: "m", Label: "latest"},
		"azureml://jobs/j/outputs/o":   {Kind: atelier.JobOutputPath, Job: "j", Output: "o"},
		"azureml://jobs/j/outputs/o/":  {Kind: atelier.JobOutputPath, Job: "j", Output: "o"},
		"runs:/abc/model":              {Kind: atelier.RunPath, Run: "abc", Rest: "model"},
		"./data":                       {Kind: atelier.LocalPath, Rest: "./data"},
		"file:data.csv":                {Kind: atelier.LocalPath, Rest: "data.csv"},
		"https://example.com/data.csv": {Kind: atelier.RemotePath},
		"azureml://datastores/workspaceblobstore/paths/a/b":                   {Kind: atelier.DatastorePath, Datastore: "workspaceblobstore", Rest: "a/b"},
		"azureml://jobs/j/outputs/artifacts/paths/model/":                     {Kind: atelier.JobOutputPath, Job: "j", Output: "artifacts", Rest: "model/"},
		"azureml://registries/azureml/environments/sklearn-1.5/labels/latest": {Kind: atelier.RegistryPath, Name: "sklearn-1.5", Label: "latest"},
		"azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/p": {
			Kind: atelier.DatastorePath, Datastore: "d", Rest: "p"},
	}
	for raw, want := range cases {
		want.Raw = raw
		if got, err := atelier.ParsePath(raw); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "azureml:", "azureml://", "azureml://jobs/j", "azureml://datastores/d", "azureml://jobs//outputs/o", "azureml://jobs/j/outputs/o/model", "runs:/"} {
		if got, err := atelier.ParsePath(raw); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%q was read as %+v", raw, got)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("azureml://subscriptions/s/workspaces/w/datastores/d/paths/p")
	f.Add("azureml:a:b@c")
	f.Fuzz(func(t *testing.T, raw string) {
		path, err := atelier.ParsePath(raw)
		if err == nil && path.Kind == "" {
			t.Errorf("%q was read as nothing", raw)
		}
	})
}

func TestErrorsShowTheirMessageAndKeepTheirCause(t *testing.T) {
	cause := errors.New("disk full")
	err := atelier.Errorf(atelier.Unavailable, "The file cannot be kept: %w", cause).At("body.file").WithHint("Free some space.")
	if got, want := err.Error(), "body.file: The file cannot be kept: disk full Free some space."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, cause) || atelier.CodeOf(err) != atelier.Unavailable {
		t.Error("the cause or the code is lost")
	}
	public := atelier.Public(errors.New("password=hunter2"))
	if public.Code != atelier.Internal || strings.Contains(public.Error(), "hunter2") {
		t.Errorf("an error that was not made for users is shown: %v", public)
	}
}

func TestAFullDiskIsToldAsItIs(t *testing.T) {
	err := fmt.Errorf("store a blob: %w", &os.PathError{Op: "write", Path: "/data/blobs/x", Err: syscall.ENOSPC})
	public := atelier.Public(err)
	if public.Code != atelier.Unavailable || !strings.Contains(public.Message, "full") {
		t.Errorf("got %v", public)
	}
	if strings.Contains(public.Error(), "/data/blobs") || !errors.Is(public, syscall.ENOSPC) {
		t.Errorf("the path goes to the log, not to users: %v", public)
	}
}

func TestPageTokens(t *testing.T) {
	type key struct {
		Time int64
		ID   string
	}
	want := key{1735787045000000, "é/+="}
	var got key
	if err := atelier.DecodePageToken(atelier.EncodePageToken(want), &got); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, token := range []string{"x", "====", "bnVsbA", strings.Repeat("A", 1000)} {
		if err := atelier.DecodePageToken(token, &got); err != nil && atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func TestEmptyPageIsAnEmptyList(t *testing.T) {
	if text, err := json.Marshal(atelier.Page[string]{}); err != nil || string(text) != `{"items":[]}` {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestIDsSortByTime(t *testing.T) {
	at := time.UnixMilli(1735787045000)
	for length, make := range map[int]func(now time.Time) string{26: atelier.NewID, 32: atelier.NewRunID} {
		earlier, later := make(at), make(at.Add(time.Millisecond))
		if len(earlier) != length || earlier >= later || earlier == make(at) {
			t.Errorf("%s and %s", earlier, later)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"a-b", "blue", "a1b"} {
		if err := atelier.CheckEndpointName("endpoint", name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "ab", "1ab", "a--", "-ab", "a_b", "a b", strings.Repeat("a", 33), "x'; DROP TABLE runs"} {
		if err := atelier.CheckEndpointName("endpoint", name); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%q: %v, want invalid", name, err)
		}
	}
}
