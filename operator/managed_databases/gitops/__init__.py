"""How GitOps tools read the operator's conditions: kstatus, Argo CD's health, and the table of all reasons."""
