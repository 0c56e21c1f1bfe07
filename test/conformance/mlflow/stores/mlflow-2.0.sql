-- What MLflow 2.0.1 wrote into a SQLite database, as `sqlite3 mlflow.db .dump` shows it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('97727af70f4d');
CREATE TABLE experiment_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	experiment_id INTEGER NOT NULL, 
	CONSTRAINT experiment_tag_pk PRIMARY KEY ("key", experiment_id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
INSERT INTO "experiment_tags" VALUES('team','blue',1);
CREATE TABLE experiments (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	UNIQUE (name)
);
INSERT INTO "experiments" VALUES(0,'Default','./mlruns/0','active',1795450043255,1795450043255);
INSERT INTO "experiments" VALUES(1,'first','/old/artifacts/first','active',1795450043288,1795450043288);
INSERT INTO "experiments" VALUES(2,'second','/old/artifacts/second','active',1795450043757,1795450043757);
INSERT INTO "experiments" VALUES(3,'lost','/old/artifacts/lost','deleted',1795450043912,1795450043979);
CREATE TABLE "latest_metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT, 
	step BIGINT NOT NULL, 
	is_nan BOOLEAN NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT latest_metric_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "latest_metrics" VALUES('loss',0.05,1019,19,0,'7e491ba18ed6458b993f368eb5c2f9b6');
INSERT INTO "latest_metrics" VALUES('odd/values',1.0e+300,6,2,0,'7e491ba18ed6458b993f368eb5c2f9b6');
INSERT INTO "latest_metrics" VALUES('loss',1.5,1,0,0,'2780594488404a65ae867f10b3a2d795');
CREATE TABLE "metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	step BIGINT DEFAULT '0' NOT NULL, 
	is_nan BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "metrics" VALUES('loss',1.0,1000,'7e491ba18ed6458b993f368eb5c2f9b6',0,0);
INSERT INTO "metrics" VALUES('loss',0.5,1001,'7e491ba18ed6458b993f368eb5c2f9b6',1,0);
INSERT INTO "metrics" VALUES('loss',3.33333333333333314829e-01,1002,'7e491ba18ed6458b993f368eb5c2f9b6',2,0);
INSERT INTO "metrics" VALUES('loss',0.25,1003,'7e491ba18ed6458b993f368eb5c2f9b6',3,0);
INSERT INTO "metrics" VALUES('loss',0.2,1004,'7e491ba18ed6458b993f368eb5c2f9b6',4,0);
INSERT INTO "metrics" VALUES('loss',1.66666666666666657414e-01,1005,'7e491ba18ed6458b993f368eb5c2f9b6',5,0);
INSERT INTO "metrics" VALUES('loss',1.42857142857142849212e-01,1006,'7e491ba18ed6458b993f368eb5c2f9b6',6,0);
INSERT INTO "metrics" VALUES('loss',0.125,1007,'7e491ba18ed6458b993f368eb5c2f9b6',7,0);
INSERT INTO "metrics" VALUES('loss',1.11111111111111104943e-01,1008,'7e491ba18ed6458b993f368eb5c2f9b6',8,0);
INSERT INTO "metrics" VALUES('loss',0.1,1009,'7e491ba18ed6458b993f368eb5c2f9b6',9,0);
INSERT INTO "metrics" VALUES('loss',9.09090909090909116141e-02,1010,'7e491ba18ed6458b993f368eb5c2f9b6',10,0);
INSERT INTO "metrics" VALUES('loss',8.33333333333333287074e-02,1011,'7e491ba18ed6458b993f368eb5c2f9b6',11,0);
INSERT INTO "metrics" VALUES('loss',7.6923076923076927347e-02,1012,'7e491ba18ed6458b993f368eb5c2f9b6',12,0);
INSERT INTO "metrics" VALUES('loss',7.14285714285714246063e-02,1013,'7e491ba18ed6458b993f368eb5c2f9b6',13,0);
INSERT INTO "metrics" VALUES('loss',6.66666666666666657414e-02,1014,'7e491ba18ed6458b993f368eb5c2f9b6',14,0);
INSERT INTO "metrics" VALUES('loss',0.0625,1015,'7e491ba18ed6458b993f368eb5c2f9b6',15,0);
INSERT INTO "metrics" VALUES('loss',5.8823529411764705066e-02,1016,'7e491ba18ed6458b993f368eb5c2f9b6',16,0);
INSERT INTO "metrics" VALUES('loss',5.55555555555555524716e-02,1017,'7e491ba18ed6458b993f368eb5c2f9b6',17,0);
INSERT INTO "metrics" VALUES('loss',5.26315789473684181309e-02,1018,'7e491ba18ed6458b993f368eb5c2f9b6',18,0);
INSERT INTO "metrics" VALUES('loss',0.05,1019,'7e491ba18ed6458b993f368eb5c2f9b6',19,0);
INSERT INTO "metrics" VALUES('odd/values',0.0,5,'7e491ba18ed6458b993f368eb5c2f9b6',-3,1);
INSERT INTO "metrics" VALUES('odd/values',1.0e+300,6,'7e491ba18ed6458b993f368eb5c2f9b6',2,0);
INSERT INTO "metrics" VALUES('loss',1.5,1,'2780594488404a65ae867f10b3a2d795',0,0);
CREATE TABLE model_version_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT model_version_tag_pk PRIMARY KEY ("key", name, version), 
	FOREIGN KEY(name, version) REFERENCES model_versions (name, version) ON UPDATE cascade
);
INSERT INTO "model_version_tags" VALUES('n','0','model',1);
INSERT INTO "model_version_tags" VALUES('n','1','model',2);
CREATE TABLE "model_versions" (
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	user_id VARCHAR(256), 
	current_stage VARCHAR(20), 
	source VARCHAR(500), 
	run_id VARCHAR(32), 
	status VARCHAR(20), 
	status_message VARCHAR(500), 
	run_link VARCHAR(500), 
	CONSTRAINT model_version_pk PRIMARY KEY (name, version), 
	FOREIGN KEY(name) REFERENCES registered_models (name) ON UPDATE CASCADE
);
INSERT INTO "model_versions" VALUES('model',1,1795450044129,1795450044223,NULL,NULL,'Production','/old/artifacts/first/7e491ba18ed6458b993f368eb5c2f9b6/artifacts/model','7e491ba18ed6458b993f368eb5c2f9b6','READY',NULL,NULL);
INSERT INTO "model_versions" VALUES('model',2,1795450044189,1795450044275,'second',NULL,'None','/old/artifacts/first/7e491ba18ed6458b993f368eb5c2f9b6/artifacts/model','7e491ba18ed6458b993f368eb5c2f9b6','READY',NULL,NULL);
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(500) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('lr','0.1','7e491ba18ed6458b993f368eb5c2f9b6');
INSERT INTO "params" VALUES('group/inner','x','7e491ba18ed6458b993f368eb5c2f9b6');
CREATE TABLE registered_model_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	CONSTRAINT registered_model_tag_pk PRIMARY KEY ("key", name), 
	FOREIGN KEY(name) REFERENCES registered_models (name) ON UPDATE cascade
);
INSERT INTO "registered_model_tags" VALUES('stage','best','model');
CREATE TABLE registered_models (
	name VARCHAR(256) NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	CONSTRAINT registered_model_pk PRIMARY KEY (name), 
	UNIQUE (name)
);
INSERT INTO "registered_models" VALUES('model',1795450044047,1795450044223,'first words');
CREATE TABLE "runs" (
	run_uuid VARCHAR(32) NOT NULL, 
	name VARCHAR(250), 
	source_type VARCHAR(20), 
	source_name VARCHAR(500), 
	entry_point_name VARCHAR(50), 
	user_id VARCHAR(256), 
	status VARCHAR(9), 
	start_time BIGINT, 
	end_time BIGINT, 
	source_version VARCHAR(50), 
	lifecycle_stage VARCHAR(20), 
	artifact_uri VARCHAR(200), 
	experiment_id INTEGER, deleted_time BIGINT, 
	CONSTRAINT run_pk PRIMARY KEY (run_uuid), 
	CONSTRAINT runs_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT source_type CHECK (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))
);
INSERT INTO "runs" VALUES('7e491ba18ed6458b993f368eb5c2f9b6','parent','UNKNOWN','','','unknown','FAILED',1000,5678,'','active','/old/artifacts/first/7e491ba18ed6458b993f368eb5c2f9b6/artifacts',1,NULL);
INSERT INTO "runs" VALUES('adc7b9a57225466f9124069a92437b40','worried-foal-938','UNKNOWN','','','unknown','FINISHED',2000,2500,'','active','/old/artifacts/first/adc7b9a57225466f9124069a92437b40/artifacts',1,NULL);
INSERT INTO "runs" VALUES('2780594488404a65ae867f10b3a2d795','sassy-bat-660','UNKNOWN','','','unknown','RUNNING',3000,NULL,'','deleted','/old/artifacts/second/2780594488404a65ae867f10b3a2d795/artifacts',2,1795450043871);
INSERT INTO "runs" VALUES('fca9500adff24d65a00f42321fd0b213','bald-pig-247','UNKNOWN','','','unknown','RUNNING',4000,NULL,'','deleted','/old/artifacts/lost/fca9500adff24d65a00f42321fd0b213/artifacts',3,1795450043991);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('mlflow.runName','parent','7e491ba18ed6458b993f368eb5c2f9b6');
INSERT INTO "tags" VALUES('mark','ünï','7e491ba18ed6458b993f368eb5c2f9b6');
INSERT INTO "tags" VALUES('mlflow.parentRunId','7e491ba18ed6458b993f368eb5c2f9b6','adc7b9a57225466f9124069a92437b40');
INSERT INTO "tags" VALUES('mlflow.runName','worried-foal-938','adc7b9a57225466f9124069a92437b40');
INSERT INTO "tags" VALUES('mlflow.runName','sassy-bat-660','2780594488404a65ae867f10b3a2d795');
INSERT INTO "tags" VALUES('mlflow.runName','bald-pig-247','fca9500adff24d65a00f42321fd0b213');
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);
CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
CREATE INDEX index_params_run_uuid ON params (run_uuid);
COMMIT;
