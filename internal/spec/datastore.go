package spec

import (
	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/datastore"
)

// refusedDatastores are Azure's types of datastores that are not offered.
var refusedDatastores = map[string]string{
	"azure_file":           "No library for file shares is built in. Mount the share on the server's machine, and make its folder a datastore of type local.",
	"azure_data_lake_gen1": "Azure has retired it. Copy the data to a container and use azure_data_lake_gen2.",
	"one_lake":             "Fabric's lake asks for sign-in by Azure. Copy the data to a container and use azure_blob.",
	"hdfs":                 "No library for HDFS is built in. Mount it on the server's machine, and make its folder a datastore of type local.",
}

// Datastore reads the document as a datastore to make.
func (d *Document) Datastore() (datastore.Create, error) {
	if !d.only(Datastore) {
		return datastore.Create{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the datastore is called")
	o.need("type", "what kind of place it is")
	if why, known := refusedDatastores[o.text("type")]; known {
		d.add(o.value("type"), "Datastores of type %q are not offered. %s", o.text("type"), why)
		return datastore.Create{}, d.failure()
	}
	ask := datastore.Create{Name: o.text("name"), Description: o.text("description"), Tags: o.texts("tags"),
		Type: datastore.Type(o.choice("type", string(datastore.AzureBlob), string(datastore.AzureLake), string(datastore.S3),
			string(datastore.GCS), string(datastore.Local)))}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckAssetName("datastore", ask.Name))
	}
	switch ask.Type {
	case datastore.Local:
		o.need("path", "the folder of the server's machine")
		ask.Path = o.text("path")
	case datastore.S3, datastore.GCS:
		o.need("bucket", "the bucket's name")
		ask.Bucket, ask.Prefix, ask.Endpoint, ask.Region = o.text("bucket"), o.text("prefix"), o.text("endpoint"), o.text("region")
	case datastore.AzureBlob, datastore.AzureLake:
		o.need("account_name", "the storage account's name")
		ask.AccountName, ask.Endpoint = o.text("account_name"), o.text("endpoint")
		ask.Protocol = o.choice("protocol", "https", "wasbs", "abfss")
		if ask.Type == datastore.AzureBlob {
			o.need("container_name", "the container's name")
			ask.ContainerName = o.text("container_name")
		} else {
			o.need("filesystem", "the file system's name")
			ask.Filesystem = o.text("filesystem")
		}
	default:
		return ask, d.failure()
	}
	ask.Credentials = d.credentials(o)
	o.finish(map[string]string{
		"id":                  "The server sets it.",
		"default_storage":     "The default is the workspace's own datastore.",
		"properties":          "A datastore has tags only.",
		"service_data_access": "The server reads with the credentials of the datastore.",
	})
	return ask, d.failure()
}

// credentials reads what opens a datastore, nil for what everybody may read.
func (d *Document) credentials(o *object) *datastore.Secrets {
	inner := o.inner("credentials")
	if inner == nil {
		return nil
	}
	secrets := &datastore.Secrets{AccountKey: inner.text("account_key"), SASToken: inner.text("sas_token"),
		AccessKeyID: inner.text("access_key_id"), SecretAccessKey: inner.text("secret_access_key"), SessionToken: inner.text("session_token")}
	const principal = "Service principals are not offered; give account_key or sas_token."
	inner.finish(map[string]string{"tenant_id": principal, "client_id": principal, "client_secret": principal, "resource_url": principal,
		"authority_url": principal, "certificate": principal, "thumbprint": principal})
	return secrets
}
