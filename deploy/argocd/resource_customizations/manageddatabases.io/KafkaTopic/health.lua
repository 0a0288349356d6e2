-- The same for every kind of manageddatabases.io. The conditions are kstatus' (Reconciling, Stalled) and Ready, Synced, Degraded;
-- docs/reference/reasons.md of the operator has every reason. Needs no library but the base.
local asks = {ApprovalNeeded = true, Paused = true}
local broken = {DiskFull = true, Down = true, Error = true}
local status = obj.status or {}
local annotations = obj.metadata.annotations or {}
local found = {}
if status.observedGeneration == obj.metadata.generation then
  for _, condition in ipairs(status.conditions or {}) do
    found[condition.type] = condition
  end
end

local function is(type, truth)
  return found[type] ~= nil and found[type].status == truth
end

local function health(word, condition)
  return {status = word, message = condition.message}
end

if is("Ready", "False") and broken[found.Ready.reason] then
  return health("Degraded", found.Ready)
end
if is("Stalled", "True") then
  return health(asks[found.Stalled.reason] and "Suspended" or "Degraded", found.Stalled)
end
if annotations["manageddatabases.io/paused"] == "true" then
  return health("Suspended", found.Synced or {message = "manageddatabases.io/paused is true"})
end
if is("Reconciling", "True") then
  return health("Progressing", found.Reconciling)
end
if is("Degraded", "True") then
  return health("Degraded", found.Degraded)
end
if is("Ready", "True") then
  return health("Healthy", is("Synced", "False") and found.Synced or found.Ready)
end
return health("Progressing", found.Ready or {message = "the operator has not looked at it yet"})
